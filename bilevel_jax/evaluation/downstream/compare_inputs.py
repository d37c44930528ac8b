"""What each kind of input is worth to a detector or segmenter: the same network, seeds and budget on every one."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ml_collections import ConfigDict

from bilevel_jax.data.sets import Sets
from bilevel_jax.evaluation.downstream.cells import Cell, make_cell, read_cell, write_cell
from bilevel_jax.evaluation.downstream.initialisation import Initial, write_initial
from bilevel_jax.evaluation.inputs import ConcatenatedInputs, InputSource
from bilevel_jax.evaluation.semantic_trainer import SemanticTrainer
from bilevel_jax.evaluation.settings import check_settings
from bilevel_jax.inference import Fuser
from bilevel_jax.training.problem import networks_from_config

SETTINGS = ("data", "semantic", "rows")  # the parts of a configuration that a cell depends on
Cells = dict[str, dict[int, Cell]]  # input -> seed -> cell


class Input(NamedTuple):
    """A kind of input: how `InputSource` makes its images, what fuses them, and where they come from (JSON)."""

    kind: str | Path
    fuser: Fuser | None
    origin: dict[str, Any]


def compare_inputs(
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
    """Trains and tests a network for each input and seed; finished cells are read from `folder`, not made again.

    At one seed all inputs share the initialisation, the order of the images, the crops and the number of steps.

    Args:
        config: a checked configuration with a semantic task; `rows` has the budget.
        sets: the training pairs, and the held-out pairs that the networks are tried on.
        inputs: by name.
        seeds: of initialisation and crops.
        folder: receives settings.json and a JSON file a cell.
        matched: one network a seed, trained on all inputs mixed and tested on each. It takes the same number of steps,
            so it sees each kind of input less often than a network of its own would.
        check_stop: called after every image and step; may raise.
        initial: parameters that all networks start from; None draws them from the seed.
        save: a file that receives the parameters of the last seed's matched network, to start others from.
        trainer: of an earlier call with the same configuration: it need not compile again.
        split: "val" or "test", whose pairs the networks are tried on; None = as `Sets.reported` has it.

    Raises:
        InputError: the data has no labels for the task or no such split, an input's images are not as expected, or the
            folder holds cells of other settings, or of another split.
        RunError: a loss became NaN.
    """
    folder = folder / "matched" if matched else folder
    split, reported = sets.reported(split)
    settings = _settings(config, sorted(inputs) if matched else None, initial) | {"split": split}
    check_settings(folder / "settings.json", settings, "cells")
    trainer = trainer or SemanticTrainer(
        config, networks_from_config(config, sets.train.class_names, sets.train.label_names)
    )
    start = None if initial is None else initial.params
    cells: Cells = {
        name: {seed: read_cell(_path(folder, name, seed), given.origin, split) for seed in seeds}
        for name, given in inputs.items()
    }

    def source(name: str, pairs: Any) -> InputSource:
        return InputSource(pairs, inputs[name].kind, inputs[name].fuser, check_stop)

    def test(name: str, held_out: InputSource, seed: int, params: Any) -> None:
        cell = make_cell(config, held_out, trainer.predict(params, held_out), split)
        write_cell(_path(folder, name, seed), cell, inputs[name].origin)
        cells[name][seed] = cell

    if matched:
        missing = [seed for seed in seeds if any(cells[name][seed] is None for name in inputs)]
        if save is not None and not save.exists():
            missing = sorted({*missing, seeds[-1]})
        if missing:
            training = ConcatenatedInputs([source(name, sets.train) for name in inputs])
            held_out = {name: source(name, reported) for name in inputs}
        for seed in missing:
            params = trainer.train(training, f"mixture, seed {seed}", check_stop, seed, start)
            if save is not None and seed == seeds[-1]:
                write_initial(save, config, sets, params)
            for name in inputs:
                test(name, held_out[name], seed, params)
        return cells
    for name in inputs:
        missing = [seed for seed in seeds if cells[name][seed] is None]
        if missing:
            training, tested = source(name, sets.train), source(name, reported)
        for seed in missing:
            test(name, tested, seed, trainer.train(training, f"{name}, seed {seed}", check_stop, seed, start))
    return cells


def _path(folder: Path, name: str, seed: int) -> Path:
    return folder / "cells" / name / f"seed_{seed}.json"


def _settings(config: ConfigDict, mixture: list[str] | None, initial: Initial | None) -> dict[str, Any]:
    settings = {key: json.loads(config[key].to_json()) for key in SETTINGS} | {"seed": config.seed, "mixture": mixture}
    return settings if initial is None else settings | {"initial": initial.origin}
