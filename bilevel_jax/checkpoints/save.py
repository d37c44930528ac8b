"""Writing a run's folder: config.json, checkpoints/STEP (Orbax), and resuming from them.

    WORKDIR/config.json         the configuration, as resolved
    WORKDIR/checkpoints/STEP/   state + data position + version of the code: the newest N steps and the best one
    WORKDIR/unreadable/STEP/    a checkpoint that could not be read, moved out of the way
    WORKDIR/parameters/NAME/    parameters that a command reads again, such as the semantic networks of the table

Every file appears whole or not at all: Orbax renames a finished checkpoint into place, and the others go through
`atomic`.
"""

import json
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar

import jax
import numpy as np
import orbax.checkpoint as ocp
from flax import serialization
from flax.traverse_util import flatten_dict
from jax.experimental import multihost_utils
from jaxtyping import PyTree
from ml_collections import ConfigDict

from bilevel_jax.atomic import write_json
from bilevel_jax.checkpoints.best import VALIDATION, LatestAndBest, best_step, figures_of
from bilevel_jax.checkpoints.load import code_version, first_line, newest_readable, read_config, steps_in
from bilevel_jax.checkpoints.lock import lock_folder
from bilevel_jax.errors import InputError, RunError

# Keys that decide the shapes of the state: a run with another value cannot read the checkpoint.
MODEL_KEYS = (
    *("fusion", "visual.loss", "visual.discriminator", "tasks", "semantic"),
    *("outer.name", "inner.name", "warm_start.name"),
    *("bilevel.weighting", "bilevel.weighting_options"),
    *("learned_loss.form", "learned_loss.name"),
)
# The same, where the loss is learned: its terms, and what the estimator keeps.
LEARNED_LOSS_KEYS = ("visual", "bilevel.estimator")
# Keys that decide which pairs are trained on: a run that resumes with other pairs would train on its own test.
SPLIT_KEYS = ("data.test_share", "data.test_list", "data.test_split")
IMPORTED = "imported.json"  # in a folder that convert.py made: parameters without the rest that training needs

State = TypeVar("State")


class Restored(NamedTuple, Generic[State]):
    """A checkpoint that a run resumes from.

    Attributes:
        step: number of steps that the run had taken.
        state: the training state.
        position: the data position, as JSON: where each stream of batches goes on.
    """

    step: int
    state: State
    position: dict[str, Any]


class Run:
    """The folder of one training run, opened for writing.

    Args:
        workdir: the folder; made where it does not exist.
        config: the configuration of this run.
        keep: how many of the newest checkpoints stay, beside the best one by `config.keep_best`.
        defaults: values of keys that an earlier run's configuration lacks because they did not exist yet.

    Raises:
        InputError: the folder cannot be written, is in use by another live run, or holds a run with another model
            configuration or other parts of the data.
    """

    def __init__(
        self, workdir: str | os.PathLike, config: ConfigDict, keep: int = 2, defaults: ConfigDict | None = None
    ):
        self.workdir = Path(workdir).absolute()
        try:
            self.workdir.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"{self.workdir} cannot be written: {error.strerror or error}.") from error
        # Only process 0 writes files of its own. All processes take part in saving and restoring.
        self._first = jax.process_index() == 0
        self._lock = lock_folder(self.workdir) if self._first else None
        try:
            self._check_same(config, defaults)
            if self._first:
                write_json(self.workdir / "config.json", json.loads(config.to_json()))
        except InputError:
            self._unlock()
            raise
        self._measure: str = config.get("keep_best", "")
        self._figures = {step: figures_of(self.workdir, step) for step in steps_in(self.workdir)}
        kept = LatestAndBest(keep, self._best_of)
        options = ocp.CheckpointManagerOptions(preservation_policy=kept, cleanup_tmp_directories=True)
        self._manager = ocp.CheckpointManager(self.workdir / "checkpoints", options=options)

    def _check_same(self, config: ConfigDict, defaults: ConfigDict | None) -> None:
        path = self.workdir / "config.json"
        if (self.workdir / IMPORTED).exists():
            raise InputError(
                f"{self.workdir} holds imported parameters without optimizer states, so no run can resume in it: give "
                f"another --workdir, and --config.initial.run={self.workdir} to start from them."
            )
        if not (path.exists() and steps_in(self.workdir)):
            return
        before, now = _fixed_part(read_config(path).to_dict()), _fixed_part(json.loads(config.to_json()))
        if defaults is not None:
            before = _fixed_part(json.loads(defaults.to_json())) | before
        for key in sorted(before.keys() | now.keys()):
            if before.get(key) != now.get(key):
                raise InputError(
                    f"{self.workdir} holds checkpoints made with config.{key} = {before.get(key)!r}, and this command "
                    f"has {now.get(key)!r}: give another --workdir, or the same value to resume."
                )

    @property
    def best(self) -> tuple[int, float] | None:
        """The step and the figure of the best checkpoint by `config.keep_best`; None where there is none."""
        step = self._best_of(list(self._figures))
        return None if step is None else (step, self._figures[step][self._measure])

    def would_be_best(self, figures: Mapping[str, float]) -> bool:
        """Whether a checkpoint with these figures would be better than all earlier ones by `config.keep_best`."""
        return self._measure in figures and (self.best is None or figures[self._measure] > self.best[1])

    def save(
        self,
        step: int,
        state: PyTree,
        position: Mapping[str, object],
        wait: bool = False,
        figures: Mapping[str, float] | None = None,
    ) -> None:
        """Saves the state and the data position after `step` steps.

        The state is copied first, so its memory may be donated or changed as soon as this returns. The copy is written
        on a thread of its own. A write that fails shows at the next save, or at `close`.

        Args:
            step: number of steps that the run has taken.
            state: a pytree, or a dataclass of pytrees.
            position: the data position, as JSON.
            wait: return only when the checkpoint is written.
            figures: what was measured of this state, by name; higher is better.

        Raises:
            RunError: the disk refused the write. Earlier checkpoints are not changed.
        """

        def write() -> None:
            if step not in self._manager.all_steps():
                # Orbax reads this copy while the next step already reuses the memory of the state.
                tree = jax.tree.map(_copied, serialization.to_state_dict(state))
                items = {
                    "state": ocp.args.StandardSave(tree),
                    "position": ocp.args.JsonSave(position),
                    "code": ocp.args.JsonSave(code_version()),
                }
                if figures:
                    items[VALIDATION] = ocp.args.JsonSave(figures)
                self._figures[step] = dict(figures or {})
                self._manager.save(step, args=ocp.args.Composite(**items), force=True)
            if wait:
                self._manager.wait_until_finished()

        self._writing(write)

    def restore(self, state: State) -> Restored[State] | None:
        """Reads the newest checkpoint that can be read; returns None where there is no checkpoint.

        A checkpoint that cannot be read is moved to `unreadable/`, with a warning, and the one before it is tried.

        Args:
            state: a state of the same structure, whose values do not matter. The arrays that are read are placed on the
                same devices.

        Raises:
            RunError: there are checkpoints, and none can be read.
        """
        target = jax.tree.map(_placed, serialization.to_state_dict(state))
        items = ocp.args.Composite(state=ocp.args.StandardRestore(target), position=ocp.args.JsonRestore())
        steps = sorted(self._manager.all_steps(), reverse=True)
        if not steps:
            return None
        step, found = newest_readable(self.workdir, steps, lambda step: self._manager.restore(step, args=items))
        for unreadable in (s for s in steps if s > step and self._first):
            moved = self.workdir / "unreadable" / str(unreadable)
            moved.parent.mkdir(exist_ok=True)
            os.replace(self.workdir / "checkpoints" / str(unreadable), _free(moved))
            self._figures.pop(unreadable, None)
        if jax.process_count() > 1:
            multihost_utils.sync_global_devices("unreadable checkpoints are moved")
        self._manager.reload()
        return Restored(step, serialization.from_state_dict(state, found["state"]), found["position"])

    def close(self) -> None:
        """Waits until everything is written, and frees the folder for another run.

        Raises:
            RunError: the disk refused the last checkpoint.
        """
        try:
            self._writing(self._manager.close)
        finally:
            self._unlock()

    def _best_of(self, steps: Sequence[int]) -> int | None:
        """The best of these steps by `config.keep_best`; None where none was measured by it."""
        return best_step({step: self._figures.get(step, {}) for step in steps}, self._measure)

    def _unlock(self) -> None:
        if self._lock is not None:
            self._lock.close()

    def _writing(self, write: Callable[[], None]) -> None:
        try:
            write()
        except Exception as error:  # storage libraries have exceptions of their own for a full disk
            raise RunError(f"a checkpoint in {self.workdir} could not be written: {first_line(error)}.") from error


def _fixed_part(config: dict[str, Any]) -> dict[str, Any]:
    """The keys, joined by dots, that a resumed run must not change."""
    further = [task for task in config.get("tasks", ()) if task != "visual"]  # whose weights of losses may change
    learned = LEARNED_LOSS_KEYS if config.get("learned_loss", {}).get("form", "none") != "none" else ()
    flat, fixed = flatten_dict(config, sep="."), (*MODEL_KEYS, *SPLIT_KEYS, *further, *learned)
    return {k: v for k, v in flat.items() if any(k == m or k.startswith(m + ".") for m in fixed)}


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
