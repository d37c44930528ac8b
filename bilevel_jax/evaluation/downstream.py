"""What each kind of input is worth to a detector or segmenter: the same network, seeds and budget on every one."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from ml_collections import ConfigDict

from bilevel_jax.atomic import write_json
from bilevel_jax.data.sets import Sets
from bilevel_jax.errors import InputError
from bilevel_jax.evaluation.cells import Cell, make_cell, read_cell, write_cell
from bilevel_jax.evaluation.inputs import InputSource
from bilevel_jax.evaluation.semantic import SemanticTrainer
from bilevel_jax.inference import Fuser
from bilevel_jax.training.problem import networks_from_config

SETTINGS = ("data", "semantic", "rows")  # the parts of a configuration that a cell depends on
Cells = dict[str, dict[int, Cell]]  # input -> seed -> cell


class Input(NamedTuple):
    """A kind of input: how `InputSource` makes its images, what fuses them, and where they come from (JSON)."""

    kind: str | Path
    fuser: Fuser | None
    origin: dict[str, Any]


class MixedSource:
    """Several input sources as one: every record once with each kind of input.

    Args:
        sources: of the same records.
    """

    def __init__(self, sources: Sequence[InputSource]):
        self._sources = list(sources)
        self.names = [name for source in sources for name in source.names]
        self.class_names, self.label_names = sources[0].class_names, sources[0].label_names

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, index: int) -> dict[str, np.ndarray]:
        which, place = divmod(index, len(self._sources[0]))
        return {**self._sources[which][place], "index": np.int64(index)}


def compare_inputs(
    config: ConfigDict,
    sets: Sets,
    inputs: Mapping[str, Input],
    seeds: Sequence[int],
    folder: Path,
    matched: bool = False,
    check_stop: Callable[[], None] = lambda: None,
) -> Cells:
    """Trains and tests a network for each input and seed; finished cells are read from `folder`, not made again.

    At one seed all inputs share the initialisation, the order of the images, the crops and the number of steps.

    Args:
        config: a checked configuration with a semantic task; `rows` has the budget.
        sets: the training pairs, and the held-out pairs that are tested on.
        inputs: by name.
        seeds: of initialisation and crops.
        folder: receives settings.json and a JSON file a cell.
        matched: one network a seed, trained on all inputs mixed and tested on each. It takes the same number of steps,
            so it sees each kind of input less often than a network of its own would.
        check_stop: called after every image and step; may raise.

    Raises:
        InputError: the data has no labels for the task, an input's images are not as expected, or the folder holds
            cells of other settings.
        RunError: a loss became NaN.
    """
    folder = folder / "matched" if matched else folder
    _check_settings(folder / "settings.json", config, sorted(inputs) if matched else None)
    networks = networks_from_config(config, sets.train.class_names, sets.train.label_names)
    trainer = SemanticTrainer(config, networks)
    cells: Cells = {
        name: {seed: read_cell(_path(folder, name, seed), given.origin) for seed in seeds}
        for name, given in inputs.items()
    }

    def source(name: str, pairs: Any) -> InputSource:
        return InputSource(pairs, inputs[name].kind, inputs[name].fuser, check_stop)

    def test(name: str, held_out: InputSource, seed: int, params: Any) -> None:
        cell = make_cell(config, held_out, trainer.predict(params, held_out))
        write_cell(_path(folder, name, seed), cell, inputs[name].origin)
        cells[name][seed] = cell

    if matched:
        missing = [seed for seed in seeds if any(cells[name][seed] is None for name in inputs)]
        if missing:
            training = MixedSource([source(name, sets.train) for name in inputs])
            held_out = {name: source(name, sets.validation) for name in inputs}
        for seed in missing:
            params = trainer.train(training, f"mixture, seed {seed}", check_stop, seed)
            for name in inputs:
                test(name, held_out[name], seed, params)
        return cells
    for name in inputs:
        missing = [seed for seed in seeds if cells[name][seed] is None]
        if missing:
            training, tested = source(name, sets.train), source(name, sets.validation)
        for seed in missing:
            test(name, tested, seed, trainer.train(training, f"{name}, seed {seed}", check_stop, seed))
    return cells


def _path(folder: Path, name: str, seed: int) -> Path:
    return folder / "cells" / name / f"seed_{seed}.json"


def _check_settings(path: Path, config: ConfigDict, mixture: list[str] | None) -> None:
    """Writes the settings, or holds them against those of an earlier run."""
    settings = {key: json.loads(config[key].to_json()) for key in SETTINGS} | {"seed": config.seed, "mixture": mixture}
    if not path.exists():
        return write_json(path, settings)
    try:
        before = _flat(json.loads(path.read_text()))
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read as settings: {error}.") from error
    now = _flat(settings)
    for key in sorted(before.keys() | now.keys()):
        if before.get(key) != now.get(key):
            raise InputError(
                f"{path.parent} holds cells made with {key} = {before.get(key)!r}, and it is {now.get(key)!r} now; "
                "expected another --out."
            )


def _flat(settings: Any, prefix: str = "") -> dict[str, Any]:
    if not isinstance(settings, dict):
        return {prefix.rstrip("."): settings}
    return {key: value for k, v in settings.items() for key, value in _flat(v, f"{prefix}{k}.").items()}
