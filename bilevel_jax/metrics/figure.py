"""The figures by which a semantic network is judged over a set of images, and the form of their names."""

from typing import NamedTuple, Self


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

    For instance "AP50", "AP50/person" (of one class) or "day:AP50/person" (of a group of the images as well).

    Attributes:
        figure: name of a `Figure`. It holds neither ":" nor "/".
        of_class: the class; "" = all classes together.
        group: the group of images; "" = all images.
    """

    figure: str
    of_class: str = ""
    group: str = ""

    @classmethod
    def parse(cls, name: str) -> Self:
        """Reads a name. A class may hold any character, also ":" and "/"."""
        front, _, of_class = name.partition("/")
        group, _, figure = front.rpartition(":")
        return cls(figure, of_class, group)

    def __str__(self) -> str:
        group = f"{self.group}:" if self.group else ""
        return group + self.figure + (f"/{self.of_class}" if self.of_class else "")
