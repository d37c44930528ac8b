"""Reads --inputs of downstream.py: the kinds of input that are compared, and where their images come from."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from ml_collections import ConfigDict

from bilevel_jax.checkpoints.load import SavedState
from bilevel_jax.checkpoints.weights import read_weights
from bilevel_jax.data.sources.source import Source
from bilevel_jax.errors import InputError, nearest
from bilevel_jax.evaluation.downstream.train_cells import Input
from bilevel_jax.evaluation.inputs import LATE, SWITCH
from bilevel_jax.evaluation.leakage import check_unseen, trained_without_test
from bilevel_jax.images.color_methods import DEFAULT_COLOR
from bilevel_jax.images.trivial_fusion import TRIVIAL_METHODS
from bilevel_jax.inference import Fuser
from bilevel_jax.inference.method_names import MethodName, is_method_name, parse_method_name
from bilevel_jax.inference.pretrained import KIND, is_pretrained, name_in, pretrained_file
from bilevel_jax.training.config import check_config

CAMERAS = {"ir": "ir", "vi": "vis", "vis": "vis"}
OURS = "ours"
STACKED = "stacked"  # infrared and visible as the four channels of one network, which starts from noise
NOISE = "noise:"  # noise:INPUT is the same input before a network that starts from noise
BASES = (*CAMERAS, OURS, KIND)  # what --inputs takes beside the rules and folders


class LoadedRun(NamedTuple):
    """The run of --workdir: its folder, its configuration and its checkpoint, as `load_run` returns them."""

    workdir: str
    config: ConfigDict
    state: SavedState


def with_data(config: ConfigDict, data: str | None) -> ConfigDict:
    """A copy whose pairs are those of `data`: a folder, "scenes", or None for those that are configured."""
    config = ConfigDict(config.to_dict())
    if data == "scenes":
        config.data.name = "scenes"
    elif data is not None:
        config.data.name, config.data.root = "folder", data
    return check_config(config)


def lists_of_run(data: ConfigDict, run: LoadedRun | None) -> Path | None:
    """The folder of the run, which may keep lists for pairs without lists, if it was trained on these pairs."""
    if run is None or not run.config.data.get("root", "") or run.config.data.name != data.name:
        return None
    return Path(run.workdir) if Path(run.config.data.root).resolve() == Path(data.root).resolve() else None


def named_inputs(given: Sequence[str], run: LoadedRun | None, judged: bool = False) -> dict[str, Input]:
    """The inputs by name.

    Args:
        given: the texts of --inputs.
        run: the run that makes "ours"; None without --workdir.
        judged: whether judges look at them, and no network is trained on them.

    Raises:
        InputError: no inputs, an unknown one, two of the same name, an empty name, a name with a slash, or "ours"
            without --workdir.
    """
    inputs: dict[str, Input] = {}
    for text in given:
        if text == LATE and judged:
            name, made = text, Input(LATE, None, {"kind": LATE})
        else:
            name, made = _named_input(text, run)
        if judged and made.noise:
            raise InputError(
                f"--inputs has {text!r}, which is for networks that are trained; expected it without --judge."
            )
        if not name or "/" in name:
            what = f"the name {name!r}, which has a slash" if name else "an empty name"
            raise InputError(f"--inputs has {text!r}, that is {what}; expected NAME=FOLDER with another name.")
        if name in inputs:
            raise InputError(f"--inputs has two of the name {name!r}; expected NAME=FOLDER with another name.")
        inputs[name] = made
    if not inputs:
        raise InputError("--inputs is empty; expected names and folders, separated by commas.")
    return inputs


def check_weights(inputs: Mapping[str, Input], split: str, held_out: Source, config: ConfigDict) -> list[str]:
    """A note on the inputs that are made by weights of the package which may have seen test pairs; [] without any.

    Raises:
        InputError: weights of the package were trained on the held-out pairs.
    """
    unsure = []
    for name, given in inputs.items():
        if "weights" not in given.origin:
            continue
        trained = read_weights(pretrained_file(str(given.origin["weights"]))).config
        check_unseen(trained, held_out, config, f"The network of --inputs={KIND}")
        if split == "test" and config.data.name != "scenes" and trained_without_test(trained):
            unsure.append(name)
    why = "these weights were trained before a test split was held out; they may have seen the test pairs."
    return [f"{', '.join(unsure)}: {why}"] if unsure else []


def _named_input(text: str, run: LoadedRun | None) -> tuple[str, Input]:
    if text == STACKED:
        return text, Input("vis", None, {"kind": STACKED}, stacked=True, noise=True)
    if text.startswith(NOISE):
        label, made = _named_input(text.removeprefix(NOISE), run)
        return NOISE + label, made._replace(origin={**made.origin, "start": "noise"}, noise=True)
    if text == SWITCH:
        return text, Input(SWITCH, None, {"kind": SWITCH})
    if not is_method_name(text, BASES):
        return _folder_input(text)
    name = parse_method_name(text, BASES)
    if name.base == OURS:
        if run is None:
            raise InputError(f"--inputs has {text!r}; expected --workdir with the run that fuses.")
        origin = {"kind": "fused", "workdir": str(Path(run.workdir).resolve()), "step": int(run.state["step"])}
        return str(name), _fused(Fuser.from_run(run.config, run.state), origin, name)
    if is_pretrained(name.base):
        file = pretrained_file(name_in(name.base))
        origin = {"kind": "fused", "weights": file.stem, "sha256": hashlib.sha256(file.read_bytes()).hexdigest()}
        label = str(name._replace(base=name_in(name.base) or KIND))
        return label, _fused(Fuser.from_weights(file), origin, name)
    kind = str(name._replace(base=CAMERAS.get(name.base, name.base)))
    return str(name), Input(kind, None, {"kind": kind})


def _fused(fuser: Fuser, origin: dict[str, object], name: MethodName) -> Input:
    fuser = fuser.with_color(name.color)
    # Cells that were kept before there was a choice of colour have no such entry.
    chosen = {} if fuser.color == DEFAULT_COLOR else {"color": fuser.color}
    return Input("fused", fuser, origin | chosen)


def _folder_input(text: str) -> tuple[str, Input]:
    label, found, place = text.partition("=")
    folder = Path(place if found else text)
    if not folder.is_dir():
        known = [*BASES, *TRIVIAL_METHODS, SWITCH, STACKED, f"{NOISE}INPUT", f"{LATE} (with --judge)"]
        raise InputError(
            f"--inputs has {text!r}; expected a folder of images, or one of {', '.join(known)}{nearest(text, known)}"
        )
    name = label if found else folder.resolve().name
    return name, Input(folder, None, {"kind": "folder", "folder": str(folder.resolve())})
