"""Where the parameters of a semantic task's network start: drawn, imported, or another run's."""

from pathlib import Path

import jax
import numpy as np
from ml_collections import ConfigDict

from bilevel_jax.bilevel.trees import PyTree
from bilevel_jax.checkpoints.weights import Weights, read_weights, weights_of_run
from bilevel_jax.errors import InputError
from bilevel_jax.inference.pretrained import is_pretrained, name_in, pretrained_file
from bilevel_jax.training.semantic_network import BackboneStart
from bilevel_jax.training.take_over import take_over

NOT_SEMANTIC = ("fusion", "discriminator")  # the parts of weights that are no semantic task's network


class TaskStart:
    """Puts the weights that a block names (`backbone`, then `start`) into freshly drawn parameters.

    It does nothing where both are "", and where `start` is an ONNX file, whose weights the network itself draws.

    Args:
        name: of the task.
        block: of the task. Its files are read at the first call.
    """

    def __init__(self, name: str, block: ConfigDict):
        self._name, self._block = name, block
        self._backbone = BackboneStart(block)
        self._source: PyTree | None = None

    def __call__(self, params: PyTree) -> PyTree:
        """Returns the parameters with the named weights in place; the first call prints how many arrays match.

        Raises:
            InputError: one of the files or folders cannot be read, it holds no network for the task, or the network
                does not fit: in at least one array, and in all of them where the block is not trainable.
        """
        params = self._backbone(params)
        place = self._block.start
        if not place or place.endswith(".onnx"):
            return params
        begins = self._source is None
        if begins:
            self._source = self._read(place)
        params, found = take_over(params, self._source)
        unlike = [*found.missing, *found.differing]
        if not found.taken or (unlike and not self._block.trainable):
            raise InputError(
                f"config.{self._name}.start is {place!r}, whose network has {len(found.taken)} of this network's "
                f"{len(found.taken) + len(unlike)} arrays; expected the same network and the same classes"
                + (f" (the first that differs is {unlike[0]})." if found.taken else ".")
            )
        if begins and jax.process_index() == 0:
            print(f"{self._name}: {len(found.taken)} arrays from {place}, {len(unlike)} others fresh", flush=True)
        return params

    def _read(self, place: str) -> PyTree:
        folder, _, task = place.rpartition(":")
        # A colon may belong to the place itself, as in pretrained:NAME.
        if not folder or is_pretrained(place) or Path(place).exists():
            folder, task = place, ""
        parts = _weights(folder).parts
        networks = [part for part in parts if part not in NOT_SEMANTIC]
        if task and task not in networks:
            raise InputError(
                f"config.{self._name}.start is {place!r}, and {folder} has no network {task!r}; expected one of "
                f"{', '.join(networks) or 'another place, which has semantic networks'}."
            )
        chosen = task or (self._name if self._name in networks else networks[0] if len(networks) == 1 else "")
        if not chosen:
            has = f"the networks {', '.join(networks)}" if networks else "no semantic network"
            wanted = f"{place}:NAME with one of them" if networks else "a place that has one"
            raise InputError(f"config.{self._name}.start is {place!r}, which has {has}; expected {wanted}.")
        return jax.tree.map(np.asarray, parts[chosen])


def _weights(place: str) -> Weights:
    path = pretrained_file(name_in(place)) if is_pretrained(place) else place
    return read_weights(path) if str(path).endswith(".safetensors") else weights_of_run(path)
