"""Where the parameters of a semantic task's network start: drawn, imported, or another run's."""

from pathlib import Path

import jax
from ml_collections import ConfigDict

from bilevel_jax.bilevel.trees import PyTree
from bilevel_jax.checkpoints.weights import DISCRIMINATOR, FUSION
from bilevel_jax.errors import InputError
from bilevel_jax.inference.pretrained import is_pretrained
from bilevel_jax.training.semantic_network import BackboneStart
from bilevel_jax.training.take_over import take_over, weights_at

OTHERS = (FUSION, DISCRIMINATOR)  # the parts of weights that are no semantic task's


class TaskStart:
    """Puts the weights that a block names (`backbone`, then `start`) into freshly drawn parameters.

    It does nothing where both are "", and where `start` is an ONNX file, whose weights the network itself draws.

    Args:
        name: of the task.
        block: of the task. Its files are read at the first call.
    """

    def __init__(self, name: str, block: ConfigDict):
        self._name, self._block = name, block
        self._backbone = BackboneStart(name, block)
        self._source: PyTree | None = None

    def __call__(self, params: PyTree) -> PyTree:
        """Returns the parameters with the named weights in place; the first call prints how many arrays match.

        Raises:
            InputError: a file or folder cannot be read, or it holds no network for the task; or no array of its network
                has the path and shape of one here. Where the block is not trainable, all arrays must match.
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
                f"{len(found.taken) + len(unlike)} arrays, and not {unlike[0]}; expected a network of the same sizes "
                "and classes."
            )
        if begins and jax.process_index() == 0:
            print(f"{self._name}: {len(found.taken)} arrays from {place}, {len(unlike)} others fresh", flush=True)
        return params

    def _read(self, place: str) -> PyTree:
        """Returns the parameters of the network that `place` names: PLACE or PLACE:TASK."""
        folder, _, task = place.rpartition(":")
        # A colon may belong to the place itself, as in pretrained:NAME.
        if not folder or is_pretrained(place) or Path(place).exists():
            folder, task = place, ""
        found = {part: params for part, params in weights_at(folder).parts.items() if part not in OTHERS}
        listed = f"the semantic networks {', '.join(sorted(found))}" if found else "no semantic network"
        if not task:
            task = self._name if self._name in found or len(found) != 1 else next(iter(found))
        if task not in found:
            wanted = f"{folder}:TASK with one of them" if found else "a place that has one"
            raise InputError(f"config.{self._name}.start is {place!r}, and {folder} has {listed}; expected {wanted}.")
        return found[task]
