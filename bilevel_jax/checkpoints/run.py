"""A run's folder: config.json, checkpoints/STEP (Orbax), and named parameter sets beside them.

    WORKDIR/config.json         the configuration, as resolved
    WORKDIR/checkpoints/STEP/   state + data position + version of the code, the last N steps
    WORKDIR/unreadable/STEP/    a checkpoint that could not be read, moved out of the way
    WORKDIR/parameters/NAME/    parameters that a command wants to find again (the semantic networks of the table)

Everything appears whole or not at all: Orbax renames a finished checkpoint into place, the rest goes through `atomic`.
"""

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import numpy as np
import orbax.checkpoint as ocp
from absl import logging
from flax import serialization
from jax.experimental import multihost_utils
from ml_collections import ConfigDict

from bilevel_jax import __version__
from bilevel_jax.atomic import write_json
from bilevel_jax.checkpoints.lock import lock_folder
from bilevel_jax.checkpoints.parameters import own_checkpointer, read_tree
from bilevel_jax.errors import InputError, RunError

# What decides the shapes of the state: another value cannot read the checkpoint.
MODEL_KEYS = ("fusion", "visual.loss", "semantic", "outer.name", "inner.name", "warm_start.name", "bilevel.weighting")
IMPORTED = "imported.json"  # in a folder that convert.py made: parameters without the rest that training needs


def _flat(tree: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat = {}
    for key, value in tree.items():
        flat |= _flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": value}
    return flat


def _model_part(config: dict[str, Any]) -> dict[str, Any]:
    flat = _flat(config)
    return {k: v for k, v in flat.items() if any(k == m or k.startswith(m + ".") for m in MODEL_KEYS)}


class Run:
    """The folder of one training run, opened for writing.

    Args:
        workdir: the folder; made where it does not exist.
        config: the configuration of this run.
        keep: how many checkpoints stay.

    Raises:
        InputError: the folder cannot be written, is in use by another live run, or holds the run of another model
            configuration.
    """

    def __init__(self, workdir: str | os.PathLike, config: ConfigDict, keep: int = 2):
        self.workdir = Path(workdir).absolute()
        try:
            self.workdir.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"{self.workdir} cannot be written: {error.strerror or error}.") from error
        # Of several processes the first one writes; all of them take part in saving and restoring.
        self._first = jax.process_index() == 0
        self._lock = lock_folder(self.workdir) if self._first else None
        try:
            self._check_same_model(config)
            if self._first:
                write_json(self.workdir / "config.json", json.loads(config.to_json()))
        except InputError:
            self._unlock()
            raise
        options = ocp.CheckpointManagerOptions(max_to_keep=keep, cleanup_tmp_directories=True)
        self._manager = ocp.CheckpointManager(self.workdir / "checkpoints", options=options)

    def _check_same_model(self, config: ConfigDict) -> None:
        path = self.workdir / "config.json"
        if (self.workdir / IMPORTED).exists():
            raise InputError(
                f"{self.workdir} holds imported parameters without optimizer states, so no run can go on in it: give "
                f"another --workdir, and --config.initial.run={self.workdir} to start from them."
            )
        if not (path.exists() and any((self.workdir / "checkpoints").glob("[0-9]*"))):
            return
        before, now = _model_part(_read_config(path).to_dict()), _model_part(json.loads(config.to_json()))
        for key in sorted(before.keys() | now.keys()):
            if before.get(key) != now.get(key):
                raise InputError(
                    f"{self.workdir} holds checkpoints made with config.{key} = {before.get(key)!r}, and this command "
                    f"has {now.get(key)!r}: give another --workdir, or the same model configuration to resume."
                )

    def save(self, step: int, state: Any, position: dict[str, Any], wait: bool = False) -> None:
        """Saves the state and the data position after `step` steps, on a thread of its own unless `wait`.

        What is saved is the state as it is now: it may be donated or changed as soon as this returns. A failed write
        shows at the next save or at `close`.

        Raises:
            RunError: the disk refused; the checkpoints before this one are untouched.
        """

        def write() -> None:
            if step not in self._manager.all_steps():
                # A copy: Orbax reads it while the next step already reuses the memory of the state.
                tree = jax.tree.map(_copied, serialization.to_state_dict(state))
                items = ocp.args.Composite(
                    state=ocp.args.StandardSave(tree),
                    position=ocp.args.JsonSave(position),
                    code=ocp.args.JsonSave(code_version()),
                )
                self._manager.save(step, args=items, force=True)
            if wait:
                self._manager.wait_until_finished()

        self._writing(write)

    def restore(self, state: Any) -> tuple[int, Any, dict[str, Any]] | None:
        """The newest checkpoint that can be read as (step, state, data position), or None where there is none.

        One that cannot be read is moved to `unreadable/`, with a warning, and the one before it is taken.

        Args:
            state: a state of the same structure, whose values do not matter; arrays come back as its are placed.

        Raises:
            RunError: there are checkpoints, and none can be read.
        """
        target = jax.tree.map(_placed, serialization.to_state_dict(state))
        items = ocp.args.Composite(state=ocp.args.StandardRestore(target), position=ocp.args.JsonRestore())
        steps = sorted(self._manager.all_steps(), reverse=True)
        step, found = _newest_readable(self.workdir, steps, lambda step: self._manager.restore(step, args=items))
        if step is None:
            return None
        for unreadable in (s for s in steps if s > step and self._first):
            moved = self.workdir / "unreadable" / str(unreadable)
            moved.parent.mkdir(exist_ok=True)
            os.replace(self.workdir / "checkpoints" / str(unreadable), _free(moved))
        if jax.process_count() > 1:
            multihost_utils.sync_global_devices("unreadable checkpoints are moved")
        self._manager.reload()
        return step, serialization.from_state_dict(state, found["state"]), found["position"]

    def close(self) -> None:
        """Waits for what is being written.

        Raises:
            RunError: the disk refused the last checkpoint.
        """
        try:
            self._writing(self._manager.close)
        finally:
            self._unlock()

    def _unlock(self) -> None:
        if self._lock is not None:
            self._lock.close()

    def _writing(self, write: Callable[[], None]) -> None:
        try:
            write()
        except Exception as error:  # storage libraries have exceptions of their own for a full disk
            raise RunError(f"a checkpoint in {self.workdir} could not be written: {_first_line(error)}.") from error


def load_run(workdir: str | os.PathLike) -> tuple[ConfigDict, dict[str, Any]]:
    """The configuration and the newest state of a run, without knowing its structure beforehand.

    Returns:
        (config, state as nested dictionaries of numpy arrays, with "step", "outer_params", "inner_params", ...).

    Raises:
        InputError: there is no such folder, or no checkpoint in it.
    """
    workdir = Path(workdir).absolute()
    if not (workdir / "config.json").exists():
        raise InputError(
            f"{workdir} is not a run's folder: it has no config.json; expected what train.py --workdir made."
        )
    config = _read_config(workdir / "config.json")
    steps = sorted(int(p.name) for p in (workdir / "checkpoints").glob("*") if p.name.isdigit())
    if not steps:
        raise InputError(
            f"{workdir} has no finished checkpoint under checkpoints/; train.py --workdir={workdir} makes one."
        )
    with own_checkpointer() as checkpointer:
        step, state = _newest_readable(
            workdir, steps[::-1], lambda step: read_tree(checkpointer, workdir / "checkpoints" / str(step) / "state")
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


def _newest_readable(workdir: Path, steps: list[int], read: Callable[[int], Any]) -> tuple[int | None, Any]:
    """The first of `steps` that can be read and what it holds; (None, None) where there are no steps."""
    for step in steps:
        try:
            return step, read(step)
        except Exception as error:  # a damaged file shows as one of many exceptions
            failure = error
            logging.warning("The checkpoint of step %d in %s cannot be read: %s", step, workdir, _first_line(error))
    if steps:
        raise RunError(
            f"none of the checkpoints in {workdir} (steps {', '.join(map(str, steps))}) can be read: "
            f"{_first_line(failure)}."
        ) from failure
    return None, None


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).strip().splitlines()[0].rstrip(".")


def _free(path: Path) -> Path:
    """`path`, or the first of path.1, path.2, ... that does not exist."""
    number, free = 0, path
    while free.exists():
        number += 1
        free = path.with_name(f"{path.name}.{number}")
    return free


def _copied(leaf: Any) -> Any:
    return leaf.copy() if isinstance(leaf, jax.Array) else np.array(leaf)


def _placed(leaf: Any) -> Any:
    sharding = leaf.sharding if isinstance(leaf, jax.Array) else None
    return jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=sharding)


def _read_config(path: Path) -> ConfigDict:
    try:
        return ConfigDict(json.loads(path.read_text()))
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read as a configuration: {error}.") from error
