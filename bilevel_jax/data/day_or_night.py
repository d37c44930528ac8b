"""Day or night by a file's name, as MSRS and MFNet mark their frames, or by the light of the visible image."""

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from bilevel_jax.data.sources.source import Source
from bilevel_jax.images.color import luma
from bilevel_jax.images.files import to_float

# Both data sets number their frames and append D (day) or N (night).
_ENDING = re.compile(r"\d[DN]")
DAY_MEAN = 90  # of 255, the least mean luma of a visible image taken by day


def day_or_night(names: Sequence[str]) -> list[str] | None:
    """Returns "day" or "night" for each name, or None where a name does not end in a digit and D or N."""
    if not all(_ENDING.fullmatch(name[-2:]) for name in names):
        return None
    return ["day" if name.endswith("D") else "night" for name in names]


def by_day_and_night(names: Iterable[str]) -> dict[str, str]:
    """Returns name -> "day" or "night" for those names that say it; a flipped copy (`NAME_flip`) counts as NAME."""
    groups = {name: day_or_night([name.removesuffix("_flip")]) for name in names}
    return {name: group[0] for name, group in groups.items() if group}


class Light(NamedTuple):
    """When the pairs of a source were taken.

    Attributes:
        groups: "day" or "night" of each pair.
        said_by: what says so: "names" or "visible mean".
    """

    groups: list[str]
    said_by: str


def light_of(source: Source) -> Light:
    """Returns day or night of each pair.

    The source's own groups or names say it where they can. Otherwise a pair is of the day if the mean luma of its
    visible image is at least `DAY_MEAN`.
    """
    said = source.groups if source.groups and set(source.groups) <= {"day", "night"} else day_or_night(source.names)
    if said is not None:
        return Light(list(said), "names")
    means = [float(luma(to_float(source[index]["vis"])).mean()) * 255 for index in range(len(source))]
    return Light(["day" if mean >= DAY_MEAN else "night" for mean in means], "visible mean")
