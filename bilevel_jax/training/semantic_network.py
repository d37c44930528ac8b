"""The semantic network that a configuration asks for, and the imported weights that it starts from."""

from typing import Any

import flax.linen as nn
import jax
from ml_collections import ConfigDict

from bilevel_jax.checkpoints.backbone import read_backbone
from bilevel_jax.errors import InputError
from bilevel_jax.models import SEMANTIC_NETWORKS, semantic_network, semantic_options
from bilevel_jax.models.imported import Backbone, start_from

# What the published weights of a ResNet were trained with: other values are another network.
WITH_RESNET_WEIGHTS = {"norm": "frozen", "width": 64, "stem_stride": 4}


def check_semantic(config: ConfigDict) -> None:
    """Refuses a network of another task, and frozen normalisation without the weights that it belongs to.

    Args:
        config: whose `semantic` part has values that exist.

    Raises:
        InputError: keys of `semantic` contradict each other.
    """
    semantic = config.semantic
    if semantic.task == "none":
        return
    names = SEMANTIC_NETWORKS[semantic.task]
    _expect(semantic, "network", semantic.network in names, f"one of {', '.join(map(repr, names))} for {semantic.task}")
    if "norm" not in semantic_options(semantic.task, semantic.network):
        _expect(semantic, "norm", semantic.norm == "group", f"group with {semantic.network}, which has no ResNet")
        return
    known = semantic.norm != "frozen" or semantic.backbone
    _expect(semantic, "norm", known, "group, or a --config.semantic.backbone=FILE that convert.py backbone made")
    for key, value in WITH_RESNET_WEIGHTS.items() if semantic.backbone else ():
        _expect(semantic, key, semantic[key] == value, f"{value} with config.semantic.backbone, a ResNet's weights")


def configured_network(semantic: ConfigDict, num_classes: int) -> nn.Module:
    """The network of the `semantic` part of a configuration, whose task is not none."""
    options = {name: semantic[name] for name in semantic_options(semantic.task, semantic.network)}
    return semantic_network(semantic.task, num_classes, semantic.network, **options)


class BackboneStart:
    """Puts the weights of `semantic.backbone` into freshly initialised parameters; does nothing where it is "".

    Args:
        semantic: the `semantic` part of a configuration. Its file is read at the first call.
    """

    def __init__(self, semantic: ConfigDict):
        self._path = semantic.backbone
        self._backbone: Backbone | None = None

    def __call__(self, params: Any) -> Any:
        """The parameters with the backbone's in place; says the first time how many arrays that were.

        Raises:
            InputError: there is no such file, `convert.py backbone` did not make it, or it holds another backbone
                than the network's.
        """
        if not self._path:
            return params
        begins = self._backbone is None
        if begins:
            self._backbone = Backbone(*read_backbone(self._path))
        params, matched, fresh = start_from(params, self._backbone, self._path)
        if begins and jax.process_index() == 0:
            name = self._backbone.architecture
            print(f"semantic network: {matched} arrays of {name} from {self._path}, {fresh} others fresh", flush=True)
        return params


def _expect(semantic: ConfigDict, key: str, holds: bool, expected: str) -> None:
    if not holds:
        raise InputError(f"config.semantic.{key} is {semantic[key]!r}; expected {expected}.")
