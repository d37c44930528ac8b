"""The semantic network that a configuration asks for, and the imported weights that it starts from."""

import flax.linen as nn
import jax
from ml_collections import ConfigDict

from bilevel_jax.bilevel.trees import PyTree
from bilevel_jax.checkpoints.backbone import read_backbone
from bilevel_jax.models import semantic_network, semantic_options
from bilevel_jax.models.imported import Backbone, start_from


def configured_network(semantic: ConfigDict, num_classes: int) -> nn.Module:
    """Returns the network of a configuration's semantic task.

    Args:
        semantic: the `semantic` block of a configuration, whose task is not none.
        num_classes: number of classes that the network tells apart.
    """
    options = {name: semantic[name] for name in semantic_options(semantic.task, semantic.network)}
    return semantic_network(semantic.task, num_classes, semantic.network, **options)


class BackboneStart:
    """Puts the weights of `semantic.backbone` into freshly initialised parameters; does nothing where that is "".

    Args:
        name: of the task, for what is printed.
        semantic: the task's block of a configuration. Its file is read at the first call.
    """

    def __init__(self, name: str, semantic: ConfigDict):
        self._name, self._path = name, semantic.backbone
        self._backbone: Backbone | None = None

    def __call__(self, params: PyTree) -> PyTree:
        """Returns the parameters with the backbone's weights in place; the first call prints how many arrays match.

        Raises:
            InputError: there is no such file, `convert.py backbone` did not make it, or it holds another backbone
                than the network's.
        """
        if not self._path:
            return params
        backbone, begins = self._backbone, self._backbone is None
        if backbone is None:
            backbone = self._backbone = Backbone(*read_backbone(self._path))
        params, matched, fresh = start_from(params, backbone, self._path)
        if begins and jax.process_index() == 0:
            what = f"{matched} arrays of {backbone.architecture}"
            print(f"{self._name}: {what} from {self._path}, {fresh} others fresh", flush=True)
        return params
