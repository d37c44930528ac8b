"""Trains and tests the same network with the same seeds and budget on every kind of input; each result is a cell."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from ml_collections import ConfigDict

from bilevel_jax.bilevel.trees import PyTree
from bilevel_jax.data.sets import Sets
from bilevel_jax.data.sources.source import Source
from bilevel_jax.evaluation.downstream.cells import Cell, make_cell, read_cell, write_cell
from bilevel_jax.evaluation.downstream.chosen_task import only_task
from bilevel_jax.evaluation.downstream.shared_initialisation import Initial, write_initial
from bilevel_jax.evaluation.inputs import ConcatenatedInputs, InputSource
from bilevel_jax.evaluation.result_settings import check_settings
from bilevel_jax.evaluation.semantic_trainer import SemanticTrainer
from bilevel_jax.inference import Fuser
from bilevel_jax.training.networks import networks_from_config

Cells = dict[str, dict[int, Cell]]  # input -> seed -> cell


class Input(NamedTuple):
    """A kind of input.

    Attributes:
        kind: the kind for `InputSource`, or a folder of images.
        fuser: fuses the images of the kind "fused".
        origin: where the images come from, as JSON values. A kept cell of another origin is refused.
        stacked: whether the network sees the infrared image as a fourth channel beside the image of the kind.
        noise: whether the network starts as the seed draws it, whatever parameters the others start from.
    """

    kind: str | Path
    fuser: Fuser | None
    origin: dict[str, object]
    stacked: bool = False
    noise: bool = False


def train_cells(
    config: ConfigDict,
    sets: Sets,
    inputs: Mapping[str, Input],
    seeds: Sequence[int],
    folder: Path,
    matched: bool = False,
    check_stop: Callable[[], None] = lambda: None,
    *,
    initial: Initial | None = None,
    save: Path | None = None,
    trainer: SemanticTrainer | None = None,
    split: str | None = None,
) -> Cells:
    """Trains and tests a network for each input and seed. Finished cells are read from `folder` and not made again.

    With the same seed all inputs share the initialisation, the order of the images, the crops and the number of steps.

    Args:
        config: a checked configuration with one semantic task; its block `rows` has the budget.
        sets: the training pairs, and the held-out pairs that the networks are tested on.
        inputs: name -> kind of input.
        seeds: of initialisation and crops.
        folder: receives settings.json and a JSON file for each cell.
        matched: True trains one network for each seed, on all inputs mixed, and tests it on each input. It takes the
            same number of steps, so it sees each kind of input less often than a network of its own would.
        check_stop: called after every image and step; may raise.
        initial: parameters that all networks start from; None = drawn from the seed.
        save: a file that receives the parameters of the matched network of the last seed.
        trainer: the trainer of an earlier call with the same configuration, which has compiled already.
        split: "val" or "test", the pairs that the networks are tested on; None = the choice of `Sets.reported`.

    Raises:
        InputError: the data has no labels for the task or no such split, the images of an input are not as expected, or
            the folder holds cells of other settings or of another split.
        RunError: a loss became NaN.
    """
    folder = folder / "matched" if matched else folder
    pairs = sets.learnt_from(config.rows.learn_from)
    split, reported = sets.reported(split)
    settings = _settings(config, sorted(inputs) if matched else None, initial) | {"split": split}
    # Networks followed data.balance before they had a share of their own.
    check_settings(folder / "settings.json", settings, "cells", {"rows.balance": "data.balance"})
    trainers = _trainers(config, sets, {given.stacked for given in inputs.values()}, trainer)
    start = None if initial is None else initial.params
    cells: dict[str, dict[int, Cell | None]] = {
        name: {seed: read_cell(_path(folder, name, seed), given.origin, split) for seed in seeds}
        for name, given in inputs.items()
    }

    def images(name: str, pairs: Source) -> InputSource:
        return InputSource(pairs, inputs[name].kind, inputs[name].fuser, check_stop)

    def test(name: str, held_out: InputSource, seed: int, params: PyTree) -> None:
        own = trainers[inputs[name].stacked]
        cell = make_cell(own.kind, held_out, own.predict(params, held_out), split)
        write_cell(_path(folder, name, seed), cell, inputs[name].origin)
        cells[name][seed] = cell

    def train_matched() -> None:
        missing = [seed for seed in seeds if any(cells[name][seed] is None for name in inputs)]
        if save is not None and not save.exists():
            missing = sorted({*missing, seeds[-1]})
        if not missing:
            return
        training = ConcatenatedInputs([images(name, pairs) for name in inputs])
        held_out = {name: images(name, reported) for name in inputs}
        for seed in missing:
            params = trainers[False].train(training, f"mixture, seed {seed}", check_stop, seed, start)
            if save is not None and seed == seeds[-1]:
                write_initial(save, config, sets, params)
            for name in inputs:
                test(name, held_out[name], seed, params)

    def train_alone(name: str) -> None:
        missing = [seed for seed in seeds if cells[name][seed] is None]
        if not missing:
            return
        training, held_out, given = images(name, pairs), images(name, reported), inputs[name]
        for seed in missing:
            own, title = trainers[given.stacked], f"{name}, seed {seed}"
            test(name, held_out, seed, own.train(training, title, check_stop, seed, start, given.noise))

    if matched:
        train_matched()
    else:
        for name in inputs:
            train_alone(name)
    return {name: {seed: cell for seed, cell in own.items() if cell is not None} for name, own in cells.items()}


def _trainers(
    config: ConfigDict, sets: Sets, wanted: set[bool], given: SemanticTrainer | None
) -> dict[bool, SemanticTrainer]:
    """The trainers by whether their network sees both cameras' images stacked; `given` is one of unstacked images."""
    made = {} if given is None else {False: given}
    for stacked in sorted(wanted - made.keys()):
        networks = networks_from_config(config, sets.train.class_names, sets.train.label_names)
        made[stacked] = SemanticTrainer(config, networks, only_task(config), stacked)
    return made


def _path(folder: Path, name: str, seed: int) -> Path:
    return folder / "cells" / name / f"seed_{seed}.json"


def _settings(config: ConfigDict, mixture: list[str] | None, initial: Initial | None) -> dict[str, object]:
    blocks = ("data", only_task(config), "rows")  # what a cell depends on
    settings: dict[str, object] = {key: json.loads(config[key].to_json()) for key in blocks}
    settings |= {"seed": config.seed, "mixture": mixture}
    return settings if initial is None else settings | {"initial": initial.origin}
