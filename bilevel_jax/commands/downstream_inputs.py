"""Reads --inputs of downstream.py: the kinds of input that are compared, and where their images come from."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from ml_collections import ConfigDict

from bilevel_jax.checkpoints.load import SavedState
from bilevel_jax.checkpoints.weights import read_weights
from bilevel_jax.data.sources.source import Source
from bilevel_jax.errors import InputError
from bilevel_jax.evaluation.downstream.train_cells import Input
from bilevel_jax.evaluation.inputs import LATE, SWITCH
from bilevel_jax.evaluation.leakage import check_unseen, trained_without_test
from bilevel_jax.images.trivial_fusion import TRIVIAL_METHODS
from bilevel_jax.inference import Fuser
from bilevel_jax.inference.pretrained import KIND, is_pretrained, name_in, pretrained_file

CAMERAS = {"ir": "ir", "vi": "vis", "vis": "vis"}
OURS = "ours"


class LoadedRun(NamedTuple):
    """The run of --workdir: its folder, its configuration and its checkpoint, as `load_run` returns them."""

    workdir: str
    config: ConfigDict
    state: SavedState


def named_inputs(given: Sequence[str], run: LoadedRun | None, judged: bool = False) -> dict[str, Input]:
    """The inputs by name.

    Args:
        given: the texts of --inputs.
        run: the run that makes "ours"; None without --workdir.
        judged: whether judges look at them, and no network is trained on them.

    Raises:
        InputError: no inputs, an unknown one, two of the same name, or "ours" without --workdir.
    """
    inputs: dict[str, Input] = {}
    for text in given:
        if text == LATE and judged:
            name, made = text, Input(LATE, None, {"kind": LATE})
        else:
            name, made = _named_input(text, run)
        if name in inputs or not name or "/" in name:
            raise InputError(f"--inputs has two of the name {name!r}; expected NAME=FOLDER with another name.")
        inputs[name] = made
    if not inputs:
        raise InputError("--inputs is empty; expected names and folders, separated by commas.")
    return inputs


def check_weights(inputs: Mapping[str, Input], split: str, held_out: Source, config: ConfigDict) -> list[str]:
    """A note for each input that is made by weights of the package which may have seen test pairs.

    Raises:
        InputError: weights of the package were trained on the held-out pairs.
    """
    notes = []
    for name, given in inputs.items():
        if "weights" not in given.origin:
            continue
        trained = read_weights(pretrained_file(str(given.origin["weights"]))).config
        check_unseen(trained, held_out, config, f"The network of --inputs={KIND}")
        if split == "test" and config.data.name != "scenes" and trained_without_test(trained):
            notes.append(
                f"{name}: these weights were trained before a test split was held out; they may have seen the test "
                "pairs."
            )
    return notes


def _named_input(text: str, run: LoadedRun | None) -> tuple[str, Input]:
    if text == OURS:
        if run is None:
            raise InputError(f"--inputs has {OURS!r}; expected --workdir with the run that fuses.")
        origin = {"kind": "fused", "workdir": str(Path(run.workdir).resolve()), "step": int(run.state["step"])}
        return text, Input("fused", Fuser.from_run(run.config, run.state), origin)
    if is_pretrained(text):
        file = pretrained_file(name_in(text))
        origin = {"kind": "fused", "weights": file.stem, "sha256": hashlib.sha256(file.read_bytes()).hexdigest()}
        return name_in(text) or KIND, Input("fused", Fuser.from_weights(file), origin)
    if text in CAMERAS or text in TRIVIAL_METHODS or text == SWITCH:
        kind = CAMERAS.get(text, text)
        return text, Input(kind, None, {"kind": kind})
    label, found, place = text.partition("=")
    folder = Path(place if found else text)
    if not folder.is_dir():
        known = ", ".join([*CAMERAS, OURS, KIND, *TRIVIAL_METHODS, SWITCH, f"{LATE} (with --judge)"])
        raise InputError(f"--inputs has {text!r}; expected a folder of images, or one of {known}.")
    name = label if found else folder.resolve().name
    return name, Input(folder, None, {"kind": "folder", "folder": str(folder.resolve())})
