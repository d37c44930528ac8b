"""The kinds of tasks, one a file: the visual task, and the semantic tasks with their registry."""

from collections.abc import Mapping
from typing import Any

from ml_collections import ConfigDict

from bilevel_jax.training.tasks.detection import Detection
from bilevel_jax.training.tasks.segmentation import Segmentation
from bilevel_jax.training.tasks.semantic_task import SemanticTask

AnySemanticTask = SemanticTask[Any, Any, Any, Any]

SEMANTIC_TASKS: Mapping[str, AnySemanticTask] = {
    "detection": Detection(),
    "segmentation": Segmentation(),
}

__all__ = ["SEMANTIC_TASKS", "AnySemanticTask", "SemanticTask", "semantic_task"]


def semantic_task(config: ConfigDict) -> AnySemanticTask | None:
    """Returns the kind of a configuration's semantic task, or None where `config.semantic.task` is none."""
    return SEMANTIC_TASKS.get(config.semantic.task)
