"""A key of a task's block that one kind of task alone reads."""

from collections.abc import Sequence
from typing import NamedTuple


class BlockOption(NamedTuple):
    """One key of a block; it becomes `NAME.option` in the block of every task.

    Attributes:
        name: the key's name in the block.
        default: a value of the type that the key keeps.
        help: one or two sentences.
        least: the smallest accepted number; None accepts any.
        choices: the accepted values; empty accepts any.
    """

    name: str
    default: object
    help: str
    least: float | None = None
    choices: Sequence[str | int] = ()
