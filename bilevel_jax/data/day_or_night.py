"""Day or night by a file's name, as MSRS and MFNet mark their frames, or by the light of the visible image."""

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from bilevel_jax.data.sources.source import Source
from bilevel_jax.images.daylight import DAY_MEAN, mean_level

# Both data sets number their frames and append D (day) or N (night).
_ENDING = re.compile(r"\d[DN]")


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
    """When pairs were taken.

    Attributes:
        groups: "day" or "night" of each pair.
        said_by: what says so: "names" or "visible mean".
    """

    groups: list[str]
    said_by: str


def light_of(groups: Sequence[str] | None, names: Sequence[str], means: Iterable[float]) -> Light:
    """Returns day or night of each pair of any set.

    The groups say it where all are "day" or "night", else the names where all end in a digit and D or N. Otherwise a
    pair is of the day if the mean level of its visible image is at least `DAY_MEAN`.

    Args:
        groups: of each pair, of any kind; None = the data has none.
        names: of the pairs.
        means: `images.daylight.mean_level` of each visible image; it is not read where groups or names say it.
    """
    said = groups if groups and set(groups) <= {"day", "night"} else day_or_night(names)
    if said is not None:
        return Light(list(said), "names")
    return Light(["day" if mean >= DAY_MEAN else "night" for mean in means], "visible mean")


def light_of_source(source: Source) -> Light:
    """Returns day or night of each pair of a source, as `light_of` does."""
    return light_of(source.groups, source.names, (mean_level(source[index]["vis"]) for index in range(len(source))))
