"""Named parameter sets beside a run's checkpoints, and reading any Orbax tree without knowing its structure."""

import os
from pathlib import Path

import jax
import numpy as np
import orbax.checkpoint as ocp
from absl import logging
from jaxtyping import PyTree


def save_parameters(workdir: str | os.PathLike, name: str, params: PyTree) -> None:
    """Writes a pytree of arrays to WORKDIR/parameters/NAME, and replaces an earlier one of that name."""
    path = Path(workdir).absolute() / "parameters" / name
    with own_checkpointer() as checkpointer:
        checkpointer.save(path, jax.tree.map(np.asarray, params), force=True)


def load_parameters(workdir: str | os.PathLike, name: str) -> PyTree | None:
    """Returns the parameters that were saved under `name`, as nested dictionaries of numpy arrays, or None."""
    path = Path(workdir).absolute() / "parameters" / name
    if not path.exists():
        return None
    with own_checkpointer() as checkpointer:
        return read_tree(checkpointer, path)


def own_checkpointer() -> ocp.StandardCheckpointer:
    """Returns a checkpointer that waits for no other process of the run."""
    if jax.process_count() == 1:
        return ocp.StandardCheckpointer()
    me = jax.process_index()
    alone = ocp.options.MultiprocessingOptions(me, {me}, barrier_sync_key_prefix=f"process_{me}")
    return ocp.StandardCheckpointer(multiprocessing_options=alone)


def read_tree(checkpointer: ocp.StandardCheckpointer, path: Path) -> PyTree:
    """Restores the pytree at `path` as numpy arrays, on any number of devices."""
    # The manager keeps _CHECKPOINT_METADATA one folder up, and Orbax would warn that it is not here.
    logger, about_metadata = logging.get_absl_logger(), lambda record: "_CHECKPOINT_METADATA" not in record.getMessage()
    logger.addFilter(about_metadata)
    try:
        metadata = checkpointer.metadata(path).item_metadata.tree
    finally:
        logger.removeFilter(about_metadata)
    target = jax.tree.map(lambda leaf: np.empty(leaf.shape, leaf.dtype), metadata)
    return checkpointer.restore(path, target)
