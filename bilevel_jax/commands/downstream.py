"""The command downstream.py: trains the same network on each kind of input and prints what each input is worth."""

from collections.abc import Sequence
from pathlib import Path

from absl import flags
from ml_collections import ConfigDict

from bilevel_jax.atomic import write_json, write_text
from bilevel_jax.checkpoints import load_run
from bilevel_jax.command_line import define_checkpoint_flag, define_config_flag, parse_flags, read_seeds
from bilevel_jax.commands.downstream_inputs import (
    NOISE,
    OURS,
    STACKED,
    LoadedRun,
    check_weights,
    lists_of_run,
    named_inputs,
    with_data,
)
from bilevel_jax.commands.downstream_judges import check_without_judges, define_judge_flags, judge_inputs
from bilevel_jax.data.check_crop import check_crop
from bilevel_jax.data.folder_splits import keep_lists
from bilevel_jax.data.sets import open_sets
from bilevel_jax.errors import InputError
from bilevel_jax.evaluation.downstream.chosen_task import only_task, task_title, with_one_task
from bilevel_jax.evaluation.downstream.comparison import compare_cells, comparison_json
from bilevel_jax.evaluation.downstream.comparison_text import comparison_text
from bilevel_jax.evaluation.downstream.downstream_report import downstream_report
from bilevel_jax.evaluation.downstream.shared_initialisation import initial_of_config, read_initial
from bilevel_jax.evaluation.downstream.train_cells import train_cells
from bilevel_jax.evaluation.inputs import LATE, SWITCH, SWITCH_BY_NIGHT
from bilevel_jax.evaluation.leakage import check_unseen
from bilevel_jax.images.trivial_fusion import TRIVIAL_METHODS
from bilevel_jax.inference.method_names import METHOD_OPTIONS
from bilevel_jax.inference.pretrained import KIND
from bilevel_jax.metrics.figure import MAIN_TASK
from bilevel_jax.report.html import write_report
from bilevel_jax.training.config import completed, default_config
from bilevel_jax.training.networks import networks_from_config
from bilevel_jax.training.signals import StopRequest
from bilevel_jax.training.tasks import SEMANTIC_TASKS

USAGE = (
    "python experiments/downstream.py --task=detection|segmentation|TASK --data=DIR|scenes "
    "--inputs=ir,vi,average,max,laplacian,ours,pretrained[,DIR...] [--workdir=RUN] [--split=val|test] [--seeds=0,1,2] "
    "[--steps=N] [--matched [--save=FILE]] [--init=FILE] [--report=DIR] [--judge=FILE.onnx[,FILE2.onnx] "
    "[--after=jpeg75,blur0.7,shift1] [--by_light]]\n"
    "Trains the same detector or segmenter on each kind of input, and prints what each input is worth. The same\n"
    "command continues a stopped comparison. With --judge nothing is trained: detectors or segmenters of\n"
    "other people look at each kind of input."
)


def downstream_command(argv: Sequence[str]) -> None:
    """Trains the networks and prints what each kind of input is worth, with intervals. The same command continues."""
    values = parse_flags(lambda v: _define(v, argv), argv, USAGE, required=["inputs"])
    run = LoadedRun(values.workdir, *load_run(values.workdir, values.checkpoint)) if values.workdir else None
    if values.judge:
        return judge_inputs(values, run, lambda data: with_data(_given_config(values, run), data))
    check_without_judges(values)
    if values.split == "all":
        raise InputError(
            "--split=all is for --judge, since networks are trained on the other pairs; expected val or test."
        )
    config = _config(values, run)
    out = Path(values.out or Path("runs") / "downstream" / _task_folder(config))
    sets = open_sets(config.data, config.seed, run=lists_of_run(config.data, run) or out)
    check_crop(config.data, sets.train)
    split, reported = sets.reported(values.split)
    inputs = named_inputs(values.inputs, run)
    if run is not None and OURS in inputs:
        check_unseen(run.config, reported, config, run=Path(run.workdir))
    if values.matched and any(given.noise for given in inputs.values()):
        raise InputError(
            f"--matched trains one network on all inputs; expected no {STACKED} and no {NOISE}INPUT with it."
        )
    notes = check_weights(inputs, split, reported, config)
    reference = values.reference or (OURS if OURS in inputs else next(iter(inputs)))
    if reference not in inputs:
        raise InputError(f"--reference={reference} is none of the inputs; expected one of {', '.join(inputs)}.")
    seeds = read_seeds(values.seeds)
    if values.save and not (values.matched and len(seeds) == 1):
        raise InputError("--save keeps the one network of --matched and one seed; expected --matched --seeds=0.")
    networks = networks_from_config(config, sets.train.class_names, sets.train.label_names)
    initial = (
        read_initial(values.init, config, sets, networks)
        if values.init
        else initial_of_config(config, networks, values.workdir)
    )
    save = Path(values.save) if values.save else None
    if sentence := keep_lists(sets.held_out, out):
        print(sentence, flush=True)
    with StopRequest() as stop:
        cells = train_cells(
            config,
            sets,
            inputs,
            seeds,
            out,
            values.matched,
            check_stop=lambda: stop.check("the finished cells are kept"),
            initial=initial,
            save=save,
            split=split,
        )
    comparison = compare_cells(cells, reference)
    place = out / "matched" if values.matched else out
    write_json(place / "comparison.json", {**comparison_json(comparison), "notes": notes})
    text = "\n\n".join([comparison_text(comparison, markdown=True), *notes])
    write_text(place / "comparison.md", f"{text}\n")
    about = "one network on all inputs mixed" if values.matched else "a network of its own for each input"
    learnt = len(sets.learnt_from(config.rows.learn_from))
    print(f"{task_title(config)}: {about}, {config.rows.steps} steps; {learnt} training pairs")
    print("\n\n".join([comparison_text(comparison), *notes]))
    print(f"\nCells and tables: {place}" + (f"; the network: {save}" if save else ""))
    if values.report is not None:
        page = downstream_report(config, comparison, reported, inputs, values.matched, notes)
        write_report(Path(values.report) / "index.html", page)
        print(f"Report: {Path(values.report) / 'index.html'}")


def _define(values: flags.FlagValues, argv: Sequence[str]) -> None:
    define_config_flag(values, argv)
    text = f"task of the networks: {', '.join(SEMANTIC_TASKS)}, or a name in config.tasks (default: as configured)"
    flags.DEFINE_string("task", None, text, flag_values=values)
    text = "folder of pairs with labels, train.txt and val.txt; or scenes (default: as configured)"
    flags.DEFINE_string("data", None, text, flag_values=values)
    text = "pairs that the networks are tested on (default: test, or val if config.data.test_share is 0); all is every "
    text += "pair of a folder, for --judge alone"
    flags.DEFINE_enum("split", None, ["val", "test", "all"], text, flag_values=values)
    flags.DEFINE_list("inputs", None, _inputs_help(), flag_values=values)
    flags.DEFINE_string("workdir", None, f"the training run whose network makes {OURS!r}", flag_values=values)
    define_checkpoint_flag(values)
    flags.DEFINE_list("seeds", ["0", "1", "2"], "seeds of initialisation and crops", flag_values=values)
    flags.DEFINE_integer("steps", None, "training steps (default: as configured)", lower_bound=1, flag_values=values)
    text = "train one network on all inputs mixed, and test it on each"
    flags.DEFINE_bool("matched", False, text, flag_values=values)
    text = "file that receives the network of --matched, as a start for other networks: NAME.safetensors"
    flags.DEFINE_string("save", None, text, flag_values=values)
    text = "parameters that all networks start from, a file of --save (default: config.initial, or drawn from the seed)"
    flags.DEFINE_string("init", None, text, flag_values=values)
    text = f"the input that the others are compared with (default: {OURS}, or the first input)"
    flags.DEFINE_string("reference", None, text, flag_values=values)
    flags.DEFINE_string("report", None, "folder that receives a page, index.html", flag_values=values)
    text = "folder that receives cells and tables (default: runs/downstream/TASK, or runs/judges/TASK with --judge)"
    flags.DEFINE_string("out", None, text, flag_values=values)
    define_judge_flags(values)


def _inputs_help() -> str:
    return (
        f"any of: ir; vi; {OURS} (fused by the network of --workdir); {KIND} or {KIND}:NAME (fused by weights of the "
        f"package); {', '.join(TRIVIAL_METHODS)} ({METHOD_OPTIONS}); {SWITCH} (vi by day, {SWITCH_BY_NIGHT} by night); "
        f"folders of fused images, as FOLDER or NAME=FOLDER; {STACKED} (both cameras as the channels of one network, "
        f"which starts from noise); {NOISE}INPUT (this start for another input); {LATE} (with --judge: the boxes of "
        "both cameras, merged)"
    )


def _config(values: flags.FlagValues, run: LoadedRun | None) -> ConfigDict:
    """The configuration of the networks that are trained: that of `_given_config` with --task, --data and --steps."""
    config = with_one_task(_given_config(values, run), values.task or "")
    if values.steps is not None:
        config.rows.steps = values.steps
    return with_data(config, values.data)


def _given_config(values: flags.FlagValues, run: LoadedRun | None) -> ConfigDict:
    """--config, or else the configuration of --workdir, or else the default one."""
    if values.config is not None:
        return values.config
    return completed(run.config) if run is not None else default_config()


def _task_folder(config: ConfigDict) -> str:
    """The task's name, or the kind of the task named `semantic`."""
    task = only_task(config)
    return config.semantic.task if task == MAIN_TASK else task
