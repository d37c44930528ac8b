"""Reading a run's folder: its configuration, its checkpoints, and which checkpoint a command means."""

import json
import os
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypedDict, TypeVar

import numpy as np
from absl import logging
from jaxtyping import Int, PyTree
from ml_collections import ConfigDict

from bilevel_jax import __version__
from bilevel_jax.checkpoints.best import best_step, figures_of
from bilevel_jax.checkpoints.parameters import own_checkpointer, read_tree
from bilevel_jax.errors import InputError, RunError

Checkpoint = TypeVar("Checkpoint")


class SavedState(TypedDict, total=False):
    """A training state as it is read from a checkpoint: nested dictionaries of numpy arrays.

    The state also holds the optimizer states and the random key, which only a resumed run reads.

    Attributes:
        step: number of steps that the run had taken.
        outer_params: parameters of the fusion network.
        loss_params: parameters of a learned loss, where the run has one.
        inner_params: task -> parameters of its network: "visual" (the discriminator), "semantic", and further tasks by
            their names. Networks that the run does not train are here too.
    """

    step: Int[np.ndarray, ""]
    outer_params: PyTree
    loss_params: PyTree
    inner_params: dict[str, PyTree]


def has_checkpoint(workdir: str | os.PathLike) -> bool:
    """Whether a run in this folder would resume, rather than begin."""
    return bool(steps_in(Path(workdir)))


def load_run(workdir: str | os.PathLike, checkpoint: str = "") -> tuple[ConfigDict, SavedState]:
    """Reads the configuration and a state of a run, without knowing its structure beforehand.

    Args:
        workdir: the run's folder.
        checkpoint: "best", "newest" or a step. "" is the best checkpoint where `config.keep_best` names a measure, and
            the newest otherwise. Where the best or the newest cannot be read, the newest readable one is taken.

    Returns:
        (configuration, state).

    Raises:
        InputError: the folder is no run's folder, or does not hold the checkpoint.
        RunError: none of the checkpoints can be read.
    """
    workdir = Path(workdir).absolute()
    if not (workdir / "config.json").exists():
        raise InputError(
            f"{workdir} is not a run's folder: it has no config.json; expected a folder that train.py --workdir made."
        )
    config = read_config(workdir / "config.json")
    steps = steps_in(workdir)
    if not steps:
        raise InputError(
            f"{workdir} has no finished checkpoint under checkpoints/; train.py --workdir={workdir} makes one."
        )
    with own_checkpointer() as checkpointer:
        step, state = newest_readable(
            workdir,
            _in_order(workdir, config, steps, checkpoint),
            lambda step: read_tree(checkpointer, workdir / "checkpoints" / str(step) / "state"),
        )
    logging.info("Read step %d of %s.", step, workdir)
    return config, state


def code_version() -> dict[str, str]:
    """Returns the version of the package and, where it is in a git repository, the last commit that changed it."""
    package = Path(__file__).parents[1]
    command = ["git", "-C", str(package), "log", "-1", "--format=%h", "--", "."]
    try:
        commit = subprocess.run(command, capture_output=True, text=True).stdout.strip()
    except OSError:  # git is not installed
        commit = ""
    return {"version": __version__, "commit": commit}


def steps_in(workdir: Path) -> list[int]:
    """Returns the steps of the finished checkpoints, in order."""
    return sorted(int(path.name) for path in (workdir / "checkpoints").glob("*") if path.name.isdigit())


def _in_order(workdir: Path, config: ConfigDict, steps: list[int], checkpoint: str) -> list[int]:
    """The steps that `load_run` tries one after another."""
    if checkpoint not in ("", "best", "newest"):
        if checkpoint not in map(str, steps):
            held = ", ".join(map(str, steps))
            raise InputError(f"{workdir} has no checkpoint {checkpoint!r}; expected best, newest, or one of {held}.")
        return [int(checkpoint)]
    measure = config.get("keep_best", "")
    best = best_step({step: figures_of(workdir, step) for step in steps}, measure) if checkpoint != "newest" else None
    if checkpoint == "best" and best is None:
        raise InputError(
            f"{workdir} has no best checkpoint: config.keep_best is {measure!r}, and no checkpoint was measured by it; "
            "expected newest, or a run with config.keep_best and config.validate_every."
        )
    return ([] if best is None else [best]) + [step for step in steps[::-1] if step != best]


def newest_readable(workdir: Path, steps: Sequence[int], read: Callable[[int], Checkpoint]) -> tuple[int, Checkpoint]:
    """Returns the first of `steps` that can be read, and what was read.

    Args:
        workdir: the run's folder, for messages.
        steps: the steps to try, in order; at least one.
        read: step -> the checkpoint; any exception means that it cannot be read.

    Raises:
        RunError: none of the steps can be read.
    """
    failure: Exception | None = None
    for step in steps:
        try:
            return step, read(step)
        except Exception as error:  # a damaged file shows as one of many exceptions
            failure = error
            logging.warning("The checkpoint of step %d in %s cannot be read: %s", step, workdir, first_line(error))
    raise RunError(
        f"none of the checkpoints in {workdir} (steps {', '.join(map(str, steps))}) can be read: "
        f"{first_line(failure) if failure else 'there are none'}."
    ) from failure


def first_line(error: Exception) -> str:
    """Returns the first line of an error's message, without its full stop."""
    return (str(error) or type(error).__name__).strip().splitlines()[0].rstrip(".")


def read_config(path: Path) -> ConfigDict:
    """Reads a run's config.json; raises InputError where it cannot be read."""
    try:
        return ConfigDict(json.loads(path.read_text()))
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read as a configuration: {error}.") from error
