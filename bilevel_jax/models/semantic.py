"""The semantic networks by task and name: detectors and segmentation networks."""

import dataclasses
from collections.abc import Mapping

import flax.linen as nn

from bilevel_jax.errors import InputError
from bilevel_jax.models.detectors import DETECTORS
from bilevel_jax.models.named_network import NamedNetwork
from bilevel_jax.models.segmenters import SEGMENTERS

# Task -> name of a network -> the network. The name "" is the task's default network.
SEMANTIC_NETWORKS: Mapping[str, Mapping[str, NamedNetwork[nn.Module]]] = {
    "detection": DETECTORS,
    "segmentation": SEGMENTERS,
}


def semantic_network(task: str, num_classes: int, name: str = "", **options: int | float | str) -> nn.Module:
    """Returns a semantic network of `num_classes` classes.

    Args:
        task: "detection" or "segmentation".
        num_classes: number of classes that the network tells apart.
        name: a name in `SEMANTIC_NETWORKS[task]`; "" is the task's default network.
        options: arguments of the network, among those that `semantic_options` names.

    Raises:
        InputError: another task, name or option.
    """
    known = semantic_options(task, name)
    for option in options:
        if option not in known:
            kind = f"{task} by {name}" if name else task
            raise InputError(f"{option!r} is no option of {kind}; expected one of {', '.join(known)}.")
    network = SEMANTIC_NETWORKS[task][name]
    return network.module(num_classes=num_classes, **network.options, **options)


def semantic_options(task: str, name: str = "") -> list[str]:
    """Returns the names of the options that a semantic network takes, sorted.

    They are some of `depth`, `width`, `channels`, `stem_stride`, `norm` and, for detection, `head_convs`: the keys of
    `config.semantic` that the network reads.

    Raises:
        InputError: another task or name.
    """
    if task not in SEMANTIC_NETWORKS:
        raise InputError(f"config.semantic.task is {task!r}; expected one of {', '.join(SEMANTIC_NETWORKS)}.")
    networks = SEMANTIC_NETWORKS[task]
    if name not in networks:
        expected = ", ".join(map(repr, networks))
        raise InputError(f"config.semantic.network is {name!r}; expected one of {expected} for {task}.")
    names = {field.name for field in dataclasses.fields(networks[name].module)}
    return sorted(names - {"num_classes", "parent", "name", *networks[name].options})


def semantic_names() -> tuple[str, ...]:
    """Returns the names of the networks of all tasks, each once: what `config.semantic.network` may be."""
    return tuple(dict.fromkeys(name for networks in SEMANTIC_NETWORKS.values() for name in networks))


def semantic_help() -> str:
    """Returns what `--help` says about the names: 'TASK: "" = HELP, NAME = HELP; ...'."""
    tasks = []
    for task, networks in SEMANTIC_NETWORKS.items():
        names = [f"{name or chr(34) * 2} = {network.help}" for name, network in networks.items()]
        tasks.append(f"{task}: {', '.join(names)}")
    return "; ".join(tasks)
