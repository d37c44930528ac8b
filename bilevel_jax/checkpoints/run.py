"""A run's folder: config.json, checkpoints/STEP (Orbax), and named parameter sets beside them.

    WORKDIR/config.json         the configuration, as resolved
    WORKDIR/checkpoints/STEP/   state + data position, the last N steps
    WORKDIR/parameters/NAME/    parameters that a command wants to find again (the semantic networks of the table)

Everything appears whole or not at all: Orbax renames a finished checkpoint into place, the rest goes through `atomic`.
"""

import json
import os
from pathlib import Path
from typing import Any

import jax
import numpy as np
import orbax.checkpoint as ocp
from absl import logging
from flax import serialization
from ml_collections import ConfigDict

from bilevel_jax.atomic import write_json
from bilevel_jax.errors import InputError, RunError

# What decides the shapes of the state: another value cannot read the checkpoint.
MODEL_KEYS = ("fusion", "visual.loss", "semantic", "outer.name", "inner.name", "warm_start.name", "bilevel.weighting")


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
        InputError: the folder cannot be written, or holds the run of another model configuration.
    """

    def __init__(self, workdir: str | os.PathLike, config: ConfigDict, keep: int = 2):
        self.workdir = Path(workdir).absolute()
        self._check_same_model(config)
        write_json(self.workdir / "config.json", json.loads(config.to_json()))
        options = ocp.CheckpointManagerOptions(max_to_keep=keep, cleanup_tmp_directories=True)
        self._manager = ocp.CheckpointManager(self.workdir / "checkpoints", options=options)

    def _check_same_model(self, config: ConfigDict) -> None:
        path = self.workdir / "config.json"
        if not (path.exists() and any((self.workdir / "checkpoints").glob("[0-9]*"))):
            return
        before, now = _model_part(_read_config(path).to_dict()), _model_part(json.loads(config.to_json()))
        for key in sorted(before.keys() | now.keys()):
            if before.get(key) != now.get(key):
                raise InputError(
                    f"{self.workdir} holds checkpoints made with config.{key} = {before.get(key)!r}, and this command "
                    f"has {now.get(key)!r}: give another --workdir, or the same model configuration to resume."
                )

    def save(self, step: int, state: Any, position: dict[str, Any]) -> None:
        """Saves the state and the data position after `step` steps, and returns once they are on disk.

        Raises:
            RunError: the disk refused.
        """
        if step in self._manager.all_steps():
            return
        tree = jax.tree.map(np.asarray, serialization.to_state_dict(state))
        items = ocp.args.Composite(state=ocp.args.StandardSave(tree), position=ocp.args.JsonSave(position))
        try:
            self._manager.save(step, args=items, force=True)
            self._manager.wait_until_finished()
        except OSError as error:
            raise RunError(f"the checkpoint of step {step} in {self.workdir} could not be written: {error}.") from error

    def restore(self, state: Any) -> tuple[int, Any, dict[str, Any]] | None:
        """The newest checkpoint as (step, state, data position), or None where there is none.

        Args:
            state: a state of the same structure; its values do not matter.
        """
        step = self._manager.latest_step()
        if step is None:
            return None
        target = jax.tree.map(np.asarray, serialization.to_state_dict(state))
        items = self._manager.restore(
            step, args=ocp.args.Composite(state=ocp.args.StandardRestore(target), position=ocp.args.JsonRestore())
        )
        return step, serialization.from_state_dict(state, items["state"]), items["position"]

    def close(self) -> None:
        self._manager.close()


def save_parameters(workdir: str | os.PathLike, name: str, params: Any) -> None:
    """Writes a pytree of arrays under `name` into the run's folder, replacing an earlier one."""
    path = Path(workdir).absolute() / "parameters" / name
    with ocp.StandardCheckpointer() as checkpointer:
        checkpointer.save(path, jax.tree.map(np.asarray, params), force=True)


def load_parameters(workdir: str | os.PathLike, name: str) -> Any | None:
    """The parameters that were saved under `name`, as nested dictionaries of numpy arrays, or None."""
    path = Path(workdir).absolute() / "parameters" / name
    if not path.exists():
        return None
    with ocp.StandardCheckpointer() as checkpointer:
        return _to_numpy(checkpointer, path)


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
    with ocp.StandardCheckpointer() as checkpointer:
        state = _to_numpy(checkpointer, workdir / "checkpoints" / str(steps[-1]) / "state")
    logging.info("Read step %d of %s.", steps[-1], workdir)
    return config, state


def _to_numpy(checkpointer: ocp.StandardCheckpointer, path: Path) -> Any:
    """Restores whatever pytree is at `path` as numpy arrays, on any number of devices."""
    logger, about_metadata = logging.get_absl_logger(), lambda record: "_CHECKPOINT_METADATA" not in record.getMessage()
    logger.addFilter(about_metadata)  # the manager keeps that file one folder up, and Orbax warns that it is not here
    try:
        metadata = checkpointer.metadata(path).item_metadata.tree
    finally:
        logger.removeFilter(about_metadata)
    target = jax.tree.map(lambda leaf: np.empty(leaf.shape, leaf.dtype), metadata)
    return checkpointer.restore(path, target)


def _read_config(path: Path) -> ConfigDict:
    try:
        return ConfigDict(json.loads(path.read_text()))
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read as a configuration: {error}.") from error
