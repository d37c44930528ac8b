"""downstream.py: flags -> configuration, data and inputs -> cells -> tables."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from absl import flags
from ml_collections import ConfigDict

from bilevel_jax.atomic import write_json, write_text
from bilevel_jax.checkpoints import load_run
from bilevel_jax.checkpoints.weights import read_weights
from bilevel_jax.command_line import define_checkpoint_flag, define_config_flag, parse_flags, read_seeds
from bilevel_jax.data.folder_splits import keep_lists
from bilevel_jax.data.sets import open_sets
from bilevel_jax.errors import InputError
from bilevel_jax.evaluation.downstream.compare_inputs import Input, compare_inputs
from bilevel_jax.evaluation.downstream.comparison import compare_cells, comparison_json, comparison_text
from bilevel_jax.evaluation.downstream.downstream_report import downstream_report
from bilevel_jax.evaluation.downstream.initialisation import initial_of_config, read_initial
from bilevel_jax.evaluation.unseen import check_unseen, knew_no_test
from bilevel_jax.images.trivial_fusion import TRIVIAL_METHODS
from bilevel_jax.inference import Fuser
from bilevel_jax.inference.pretrained import KIND, is_pretrained, name_in, pretrained_file
from bilevel_jax.models import SEMANTIC_NETWORKS
from bilevel_jax.report.html import write_report
from bilevel_jax.training.config import check_config, completed, default_config
from bilevel_jax.training.problem import networks_from_config
from bilevel_jax.training.signals import StopRequest

USAGE = (
    "python experiments/downstream.py --task=detection|segmentation --data=DIR|scenes "
    "--inputs=ir,vi,average,max,laplacian,ours,pretrained[,DIR...] [--workdir=RUN] [--split=val|test] [--seeds=0,1,2] "
    "[--steps=N] [--matched [--save=FILE]] [--init=FILE] [--report=DIR]"
)
CAMERAS = {"ir": "ir", "vi": "vis", "vis": "vis"}
OURS = "ours"


def downstream_command(argv: Sequence[str]) -> None:
    """Trains the same network on each kind of input and prints what each is worth, with intervals."""
    values = parse_flags(lambda v: _define(v, argv), argv, USAGE, required=["inputs"])
    run = load_run(values.workdir, values.checkpoint) if values.workdir else None
    config = _config(values, run)
    out = Path(values.out or Path("runs") / "downstream" / config.semantic.task)
    sets = open_sets(config.data, config.seed, run=_lists_folder(config, values.workdir, run, out))
    split, reported = sets.reported(values.split)
    inputs = _inputs(values.inputs, values.workdir, run)
    if run is not None and OURS in inputs:
        check_unseen(run[0], reported, config, run=Path(values.workdir))
    notes = _check_weights(inputs, split, reported, config)
    reference = values.reference or (OURS if OURS in inputs else next(iter(inputs)))
    if reference not in inputs:
        raise InputError(f"--reference={reference} is none of the inputs; expected one of {', '.join(inputs)}.")
    seeds = read_seeds(values.seeds)
    if values.save and not (values.matched and len(seeds) == 1):
        raise InputError("--save is for the one network of --matched and one seed; expected --matched --seeds=0.")
    networks = networks_from_config(config, sets.train.class_names, sets.train.label_names)
    if values.init:
        initial = read_initial(values.init, config, sets, networks)
    else:
        initial = initial_of_config(config, networks, values.workdir)
    save = Path(values.save) if values.save else None
    if sentence := keep_lists(sets.held_out, out):
        print(sentence, flush=True)
    with StopRequest() as stop:
        check_stop = lambda: stop.check("the finished cells are kept")
        how = dict(initial=initial, save=save, split=split)
        cells = compare_inputs(config, sets, inputs, seeds, out, values.matched, check_stop, **how)
    comparison = compare_cells(cells, reference)
    place = out / "matched" if values.matched else out
    write_json(place / "comparison.json", comparison_json(comparison) | {"notes": notes})
    text = "\n\n".join([comparison_text(comparison, markdown=True), *notes])
    write_text(place / "comparison.md", f"{text}\n")
    about = "one network on all inputs mixed" if values.matched else "a network of its own for each input"
    print(f"{config.semantic.task}: {about}, {config.rows.steps} steps; {len(sets.train)} training pairs")
    print("\n\n".join([comparison_text(comparison), *notes]))
    print(f"\nCells and tables: {place}" + (f"; the network: {save}" if save else ""))
    if values.report is not None:
        page = downstream_report(config, comparison, reported, inputs, values.matched, notes)
        write_report(Path(values.report) / "index.html", page)
        print(f"Report: {Path(values.report) / 'index.html'}")


def _define(values: flags.FlagValues, argv: Sequence[str]) -> None:
    define_config_flag(values, argv)
    flags.DEFINE_enum(
        "task", None, list(SEMANTIC_NETWORKS), "what is trained (default: as configured)", flag_values=values
    )
    text = "folder of pairs with labels, train.txt and val.txt; or scenes (default: as configured)"
    flags.DEFINE_string("data", None, text, flag_values=values)
    text = "which pairs the networks are tried on (default: test, or val where config.data.test_share is 0)"
    flags.DEFINE_enum("split", None, ["val", "test"], text, flag_values=values)
    text = f"ir, vi, {OURS} (fused by --workdir), {KIND} or {KIND}:NAME (fused by weights of the package), "
    text += f"{', '.join(TRIVIAL_METHODS)}, and folders of fused images"
    flags.DEFINE_list("inputs", None, text, flag_values=values)
    flags.DEFINE_string("workdir", None, f"the training run whose network makes {OURS!r}", flag_values=values)
    define_checkpoint_flag(values)
    flags.DEFINE_list("seeds", ["0", "1", "2"], "of initialisation and crops", flag_values=values)
    flags.DEFINE_integer("steps", None, "training steps (default: as configured)", lower_bound=1, flag_values=values)
    flags.DEFINE_bool("matched", False, "one network on all inputs mixed, tested on each", flag_values=values)
    text = "file that receives the network of --matched, for others to start from: NAME.safetensors"
    flags.DEFINE_string("save", None, text, flag_values=values)
    text = "parameters that all networks start from, as --save wrote them (default: config.initial, or by the seed)"
    flags.DEFINE_string("init", None, text, flag_values=values)
    text = f"the input that the others are held against (default: {OURS}, or the first)"
    flags.DEFINE_string("reference", None, text, flag_values=values)
    flags.DEFINE_string("report", None, "folder that receives a page, index.html", flag_values=values)
    flags.DEFINE_string("out", None, "where cells and tables go (default: runs/downstream/TASK)", flag_values=values)


def _config(values: flags.FlagValues, run: tuple[ConfigDict, Any] | None) -> ConfigDict:
    """--config, or the run's own, or the default one; then --task, --data and --steps on top."""
    if values.config is not None:
        config = values.config
    else:
        config = completed(run[0]) if run is not None else default_config()
    config = ConfigDict(config.to_dict())
    if values.task is not None:
        config.semantic.task = values.task
    if config.semantic.task == "none":
        raise InputError(f"--task is missing: expected one of {', '.join(SEMANTIC_NETWORKS)}.")
    if values.data == "scenes":
        config.data.name = "scenes"
    elif values.data is not None:
        config.data.name, config.data.root = "folder", values.data
    if values.steps is not None:
        config.rows.steps = values.steps
    return check_config(config)


def _lists_folder(config: ConfigDict, workdir: str | None, run: tuple[ConfigDict, Any] | None, out: Path) -> Path:
    """The folder whose lists split a folder of pairs that has none: the run's where it was trained on that folder."""
    if workdir is None or run is None or not run[0].data.get("root", ""):
        return out
    same = run[0].data.name == config.data.name and Path(run[0].data.root).resolve() == Path(config.data.root).resolve()
    return Path(workdir) if same else out


def _inputs(given: Sequence[str], workdir: str | None, run: tuple[ConfigDict, Any] | None) -> dict[str, Input]:
    inputs: dict[str, Input] = {}
    for text in given:
        name, kind, fuser = text, CAMERAS.get(text, text), None
        origin: dict[str, Any] = {"kind": kind}
        if text == OURS:
            if run is None:
                raise InputError(f"--inputs has {OURS!r}; expected --workdir with the run that fuses.")
            kind, fuser = "fused", Fuser.from_run(*run)
            origin = {"kind": kind, "workdir": str(Path(workdir).resolve()), "step": int(run[1]["step"])}
        elif is_pretrained(text):
            file = pretrained_file(name_in(text))
            name, kind, fuser = name_in(text) or KIND, "fused", Fuser.from_weights(file)
            origin = {"kind": kind, "weights": file.stem, "sha256": hashlib.sha256(file.read_bytes()).hexdigest()}
        elif text not in CAMERAS and text not in TRIVIAL_METHODS:
            label, found, folder = text.partition("=")
            kind = Path(folder if found else text)
            name = label if found else kind.resolve().name
            if not kind.is_dir():
                known = ", ".join([*CAMERAS, OURS, KIND, *TRIVIAL_METHODS])
                raise InputError(f"--inputs has {text!r}; expected a folder of images, or one of {known}.")
            origin = {"kind": "folder", "folder": str(kind.resolve())}
        if name in inputs or not name or "/" in name:
            raise InputError(f"--inputs has two of the name {name!r}; expected NAME=FOLDER with another name.")
        inputs[name] = Input(kind, fuser, origin)
    if not inputs:
        raise InputError("--inputs is empty; expected names and folders, separated by commas.")
    return inputs


def _check_weights(inputs: Mapping[str, Input], split: str, held_out: Any, config: ConfigDict) -> list[str]:
    """A note for each input that is made by weights of the package which may have seen test pairs.

    Raises:
        InputError: as `check_unseen`.
    """
    notes = []
    for name, given in inputs.items():
        if "weights" not in given.origin:
            continue
        trained = read_weights(pretrained_file(given.origin["weights"])).config
        check_unseen(trained, held_out, config, f"The network of --inputs={KIND}")
        if split == "test" and config.data.name != "scenes" and knew_no_test(trained):
            notes.append(
                f"{name}: no test was cut out where these weights were trained; they may have seen the test pairs."
            )
    return notes
