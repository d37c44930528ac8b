"""The kinds of tasks, one a file: the visual task, and the semantic tasks with their registry."""

from collections.abc import Mapping
from typing import Any

from ml_collections import ConfigDict

from bilevel_jax.training.tasks.block_option import BlockOption
from bilevel_jax.training.tasks.detection import Detection
from bilevel_jax.training.tasks.segmentation import Segmentation
from bilevel_jax.training.tasks.semantic_task import ImageLoss, SemanticTask
from bilevel_jax.training.tasks.yolox import YoloxTask

AnySemanticTask = SemanticTask[Any, Any, Any, Any]

SEMANTIC_TASKS: Mapping[str, AnySemanticTask] = {
    "detection": Detection(),
    "segmentation": Segmentation(),
    "yolox": YoloxTask(),
}

__all__ = ["SEMANTIC_TASKS", "AnySemanticTask", "BlockOption", "ImageLoss", "SemanticTask", "task_kind"]


def task_kind(block: ConfigDict) -> AnySemanticTask | None:
    """Returns the kind of task that a block of a configuration describes, or None where its `task` is none."""
    return SEMANTIC_TASKS.get(block.task)
