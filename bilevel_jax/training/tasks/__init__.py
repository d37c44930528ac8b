"""The kinds of tasks, one a file: the visual task, and the semantic tasks with their registry."""

from collections.abc import Iterable, Mapping, Sequence
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

__all__ = ["SEMANTIC_TASKS", "AnySemanticTask", "BlockOption", "ImageLoss", "SemanticTask", "box_names", "task_kind"]


def task_kind(block: ConfigDict) -> AnySemanticTask | None:
    """Returns the kind of task that a block of a configuration describes, or None where its `task` is none."""
    return SEMANTIC_TASKS.get(block.task)


def box_names(blocks: Iterable[ConfigDict], data_names: Sequence[str]) -> Sequence[str]:
    """Returns the names of the classes of boxes in a run's pictures.

    They are those of the data. Data without boxes has none, and then they are those of the first task that finds boxes
    without labels.

    Args:
        blocks: of the run's semantic tasks.
        data_names: the classes of the data's boxes.
    """
    kinds = [(SEMANTIC_TASKS[block.task], block) for block in blocks]
    found = [kind.names(block, data_names) for kind, block in kinds if kind.labels == "boxes"]
    return next((names for names in (data_names, *found) if names), ())
