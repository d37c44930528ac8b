"""Imported backbones: a state dict becomes a backbone's parameters, which a semantic network starts from."""

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from flax.traverse_util import flatten_dict, unflatten_dict
from jaxtyping import PyTree

from bilevel_jax.errors import InputError, first_few
from bilevel_jax.models.backbones.mix_transformer import VARIANTS, MixTransformer
from bilevel_jax.models.backbones.resnet import STAGES, ResNet
from bilevel_jax.models.imported.mix_transformer_names import mix_transformer_sources, mix_transformer_variant
from bilevel_jax.models.imported.resnet_names import resnet_depth, resnet_sources
from bilevel_jax.models.imported.sources import Source, imported_array, source_keys, source_shape

WRAPPERS = re.compile(r"^((module|model|backbone|segformer)\.)+")
# Arrays that no backbone needs: heads of the tasks that the weights were trained for, and torch's batch counter.
LEFT_OUT = re.compile(r"^(fc|head|classifier|aux_classifier|decode_head|auxiliary_head)\.|\.num_batches_tracked$")
EXPECTED_NAMES = (
    f"ResNet-{', -'.join(map(str, STAGES))} by torchvision's names or MiT-{', '.join(VARIANTS)} by NVlabs' or "
    "Hugging Face's"
)


class Backbone(NamedTuple):
    """Parameters of a backbone: float32 arrays by "COLLECTION/MODULE/.../LEAF"."""

    architecture: str  # resnet18, resnet50, mit_b0, ...
    arrays: dict[str, np.ndarray]


def convert(state: Mapping[str, np.ndarray], name: str) -> Backbone:
    """Turns a state dict into a backbone's parameters. Arrays that belong to no backbone are left out.

    Args:
        state: arrays by torchvision's names of a ResNet, or by NVlabs' or Hugging Face's names of a Mix Transformer,
            with or without the prefixes `module.`, `model.`, `backbone.`, `segformer.`.
        name: the file's name, for messages.

    Raises:
        InputError: the arrays belong to another network, or some are missing, unknown or of another shape. The message
            names them.
    """
    state = {WRAPPERS.sub("", key): array for key, array in state.items() if not LEFT_OUT.search(WRAPPERS.sub("", key))}
    architecture, network, sources = _recognised(state, name)
    shapes = jax.eval_shape(network.init, jax.random.key(0), jnp.zeros((1, 64, 64, 3)))
    wanted = {ours: leaf.shape for ours, leaf in flatten_dict(shapes, sep="/").items()}
    missing, used, misshapen = [], set(), []
    for ours, shape in wanted.items():
        collection, leaf, source = _parts(ours, sources)
        expected = source_shape(collection, source, shape)
        for key in source_keys(collection, leaf, source):
            if key not in state:
                missing.append(key)
            elif state[key].shape != expected and key not in used:
                misshapen.append(f"{key} is {_by(state[key].shape)}, expected {_by(expected)}")
            used.add(key)
    problems = [
        ("missing: ", list(dict.fromkeys(missing))),
        ("not known: ", [key for key in state if key not in used]),
        ("of another shape: ", misshapen),
    ]
    if any(found for _, found in problems):
        told = "; ".join(f"{len(found)} {what}{first_few(found)}" for what, found in problems if found)
        raise InputError(f"{name} does not fit {architecture}: {told}.")
    return Backbone(architecture, {ours: imported_array(*_parts(ours, sources), state) for ours in wanted})


def start_from(params: PyTree, backbone: Backbone, name: str) -> tuple[PyTree, int, int]:
    """Replaces the backbone of a freshly initialised semantic network by an imported one.

    Args:
        params: parameters of a semantic network, {"params": {"backbone": ...}, ...}. The new arrays are placed on the
            devices of those that they replace.
        backbone: the imported backbone.
        name: the file's name, for messages.

    Returns:
        (parameters, number of arrays that were replaced, number of arrays that were not).

    Raises:
        InputError: the network has another backbone.
    """
    leaves = flatten_dict(params, sep="/")
    place = {ours: ours.replace("/", "/backbone/", 1) for ours in backbone.arrays}
    has = {key for key in leaves if key.split("/")[1] == "backbone"}
    strange = sorted(has ^ set(place.values()))
    strange += [key for ours, key in place.items() if key in has and leaves[key].shape != backbone.arrays[ours].shape]
    if strange:
        raise InputError(
            f"{name} holds a {backbone.architecture} that is not the backbone of this semantic network: they differ in "
            f"{len(strange)} of {len(has | set(place.values()))} arrays ({first_few(strange)})."
        )
    for ours, key in place.items():
        leaf = leaves[key]
        array = backbone.arrays[ours].astype(leaf.dtype)
        leaves[key] = jax.device_put(array, leaf.sharding) if isinstance(leaf, jax.Array) else array
    return unflatten_dict(leaves, sep="/"), len(place), len(leaves) - len(place)


def _recognised(state: Mapping[str, np.ndarray], name: str) -> tuple[str, nn.Module, dict[str, Source]]:
    depth = resnet_depth(state)
    if depth is not None:
        return f"resnet{depth}", ResNet(depth, norm="frozen"), resnet_sources(depth)
    variant = mix_transformer_variant(state)
    if variant is not None:
        return f"mit_{variant}", MixTransformer(variant), mix_transformer_sources(variant, state)
    raise InputError(f"{name} has {len(state)} arrays ({first_few(state)}); expected {EXPECTED_NAMES} names.")


def _parts(ours: str, sources: Mapping[str, Source]) -> tuple[str, str, Source]:
    collection, *module, leaf = ours.split("/")
    return collection, leaf, sources["/".join(module)]


def _by(shape: Iterable[int]) -> str:
    return "x".join(map(str, shape)) or "a number"
