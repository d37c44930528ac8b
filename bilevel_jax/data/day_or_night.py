"""Day or night by a file's name, as MSRS and MFNet mark their frames."""

import re
from collections.abc import Iterable, Sequence

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
