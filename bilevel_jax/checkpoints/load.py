"""Reading a run's folder: its configuration, its checkpoints, and which of them a command means."""

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from absl import logging
from ml_collections import ConfigDict

from bilevel_jax import __version__
from bilevel_jax.checkpoints.best import best_step, figures_of
from bilevel_jax.checkpoints.parameters import own_checkpointer, read_tree
from bilevel_jax.errors import InputError, RunError


def has_checkpoint(workdir: str | os.PathLike) -> bool:
    """Whether a run in this folder would go on, rather than begin."""
    return bool(steps_in(Path(workdir)))


def load_run(workdir: str | os.PathLike, checkpoint: str = "") -> tuple[ConfigDict, dict[str, Any]]:
    """The configuration and a state of a run, without knowing its structure beforehand.

    Args:
        workdir: the run's folder.
        checkpoint: "best", "newest" or a step; "" = the best where the run was told to keep it, else the newest. Where
            the best or the newest cannot be read, the newest that can.

    Returns:
        (config, state as nested dictionaries of numpy arrays, with "step", "outer_params", "inner_params", ...).

    Raises:
        InputError: there is no such folder, no checkpoint in it, or not the one that is asked for.
    """
    workdir = Path(workdir).absolute()
    if not (workdir / "config.json").exists():
        raise InputError(
            f"{workdir} is not a run's folder: it has no config.json; expected what train.py --workdir made."
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
    """The version of the package and, where it is in a git repository, the last commit that changed it."""
    package = Path(__file__).parents[1]
    command = ["git", "-C", package, "log", "-1", "--format=%h", "--", "."]
    try:
        commit = subprocess.run(command, capture_output=True, text=True).stdout.strip()
    except OSError:  # no git
        commit = ""
    return {"version": __version__, "commit": commit}


def steps_in(workdir: Path) -> list[int]:
    """The steps of the finished checkpoints, in order."""
    return sorted(int(path.name) for path in (workdir / "checkpoints").glob("*") if path.name.isdigit())


def _in_order(workdir: Path, config: ConfigDict, steps: list[int], checkpoint: str) -> list[int]:
    """The steps that are tried one after another for what `load_run` is asked for."""
    if checkpoint not in ("", "best", "newest"):
        if checkpoint not in map(str, steps):
            held = ", ".join(map(str, steps))
            raise InputError(f"{workdir} has no checkpoint {checkpoint!r}; expected best, newest, or one of {held}.")
        return [int(checkpoint)]
    measure = config.get("keep_best", "")
    best = best_step({step: figures_of(workdir, step) for step in steps}, measure) if checkpoint != "newest" else None
    if checkpoint == "best" and best is None:
        raise InputError(
            f"{workdir} has no best checkpoint: config.keep_best is {measure!r}, and none was measured by it; expected "
            "newest, or a run with config.keep_best and config.validate_every."
        )
    return ([] if best is None else [best]) + [step for step in steps[::-1] if step != best]


def newest_readable(workdir: Path, steps: list[int], read: Callable[[int], Any]) -> tuple[int | None, Any]:
    """The first of `steps` that can be read and what it holds; (None, None) where there are no steps."""
    for step in steps:
        try:
            return step, read(step)
        except Exception as error:  # a damaged file shows as one of many exceptions
            failure = error
            logging.warning("The checkpoint of step %d in %s cannot be read: %s", step, workdir, first_line(error))
    if steps:
        raise RunError(
            f"none of the checkpoints in {workdir} (steps {', '.join(map(str, steps))}) can be read: "
            f"{first_line(failure)}."
        ) from failure
    return None, None


def first_line(error: Exception) -> str:
    """What an error says, without the lines that follow and without its full stop."""
    return (str(error) or type(error).__name__).strip().splitlines()[0].rstrip(".")


def read_config(path: Path) -> ConfigDict:
    """A run's config.json; InputError where it cannot be read."""
    try:
        return ConfigDict(json.loads(path.read_text()))
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read as a configuration: {error}.") from error
