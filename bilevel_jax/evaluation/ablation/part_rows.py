"""The rows that take one part of a configuration away: the visual task, a term of its loss, a way to draw the data."""

from collections.abc import Mapping
from typing import Any

from ml_collections import ConfigDict

from bilevel_jax.losses.fusion import TERMS
from bilevel_jax.metrics.figure import MAIN_TASK
from bilevel_jax.training.config import semantic_tasks
from bilevel_jax.training.tasks import SEMANTIC_TASKS

Changes = Mapping[str, Any]  # key of a configuration -> its value in the row
NO_DISCRIMINATOR = {"visual.loss": "none", "visual.adversarial": 0.0, "semantic.adversarial": 0.0}
VIEWS = "views"  # the option of a task's block


def part_rows(base: ConfigDict) -> dict[str, tuple[str, Changes]]:
    """Returns row -> what it takes away and its changes, for the parts that the configuration has.

    Args:
        base: the configuration; it has a semantic task.
    """
    return _tasks(base) | _data_and_network(base) | _terms(base)


def without_discriminator(base: ConfigDict) -> dict[str, Any]:
    """Returns the changes of a row whose tasks have no adversarial term."""
    return NO_DISCRIMINATOR | {f"{name}.adversarial": 0.0 for name in semantic_tasks(base)}


def _tasks(base: ConfigDict) -> dict[str, tuple[str, Changes]]:
    zero = {f"visual.{name}": 0.0 for name in TERMS}
    rows: dict[str, tuple[str, Changes]] = {}
    if MAIN_TASK in semantic_tasks(base) and len(semantic_tasks(base)) > 1:
        # `no_semantic` leaves out all semantic tasks, and stored results have that name.
        rows[f"no_{MAIN_TASK}_alone"] = (f"task {MAIN_TASK} alone off", {f"{MAIN_TASK}.task": "none"})
    rows["no_visual"] = ("task visual off", zero | without_discriminator(base))
    return rows


def _data_and_network(base: ConfigDict) -> dict[str, tuple[str, Changes]]:
    rows: dict[str, tuple[str, Changes]] = {}
    if base.data.balance > 0:
        rows["no_balance"] = ("classes drawn as often as they occur", {"data.balance": 0.0})
    if base.fusion.exposure > 1:
        off = {"fusion.exposure": 1.0, "fusion.exposure_jitter": 0.0}
        rows["no_exposure"] = ("the network gets the infrared image without a gain", off)
    viewed = [
        f"{name}.{VIEWS}"
        for name, block in semantic_tasks(base).items()
        if block[VIEWS] and any(option.name == VIEWS for option in SEMANTIC_TASKS[block.task].options)
    ]
    if viewed:
        rows["no_views"] = ("the detector sees the fused image itself", dict.fromkeys(viewed, False))
    return rows


def _terms(base: ConfigDict) -> dict[str, tuple[str, Changes]]:
    weighted = [name for name in TERMS if base.visual[name] > 0]
    measures = {f"visual.{name}": 0.0 for name in weighted if TERMS[name].of_measure}
    rows: dict[str, tuple[str, Changes]] = {
        f"no_{name}": (f"visual.{name} off", {f"visual.{name}": 0.0}) for name in weighted if not TERMS[name].of_measure
    }
    if measures:
        listed = ", ".join(key.removeprefix("visual.") for key in measures)
        rows["no_measures"] = (f"terms of fusion measures off: {listed}", measures)
    return rows
