"""The figures by which a semantic network is judged over a set of images, and the form of their names."""

from collections.abc import Mapping
from typing import NamedTuple, Self

MAIN_TASK = "semantic"  # the figures of the network of this task carry no task name


class Figure(NamedTuple):
    """One figure, in [0, 1]; higher is better.

    Attributes:
        name: such as "AP50".
        description: one clause for the legend of a table and the documentation.
        overall: whether there is one for all classes together.
        per_class: whether there is one for each class, under the name NAME/CLASS.
        in_tables: whether tables print it; else it stands in files only.
    """

    name: str
    description: str
    overall: bool = True
    per_class: bool = False
    in_tables: bool = True


class FigureName(NamedTuple):
    """The name of one value of a figure: `str` writes it, `parse` reads it.

    For instance "AP50", "AP50/person" (of one class), "yolox.AP50/person" (of a task's network) or
    "day:AP50/person" (of a group of the images as well).

    Attributes:
        figure: name of a `Figure`. It holds none of ":", "/" and ".".
        of_class: the class; "" = all classes together.
        group: the group of images; "" = all images.
        task: name of the run's task whose network it is; "" = the task named `semantic`, or a network outside of a run.
    """

    figure: str
    of_class: str = ""
    group: str = ""
    task: str = ""

    @classmethod
    def parse(cls, name: str) -> Self:
        """Reads a name. A class may hold any character, also ":", "/" and "."."""
        front, _, of_class = name.partition("/")
        group, _, rest = front.rpartition(":")
        task, _, figure = rest.rpartition(".")
        return cls(figure, of_class, group, task)

    def __str__(self) -> str:
        group = f"{self.group}:" if self.group else ""
        task = f"{self.task}." if self.task else ""
        return group + task + self.figure + (f"/{self.of_class}" if self.of_class else "")


def figures_of_task(figures: Mapping[str, float], task: str) -> dict[str, float]:
    """Returns the figures of a task's network under names that carry the task, such as "yolox.AP50/person".

    Args:
        figures: by the names that the kind of task gives them, such as "AP50/person".
        task: name of the run's task; the figures of `semantic` keep their names.
    """
    shown = "" if task == MAIN_TASK else task
    return {str(FigureName.parse(name)._replace(task=shown)): value for name, value in figures.items()}
