"""Tags of pairs, such as day and night, and the choice of pairs by them (`config.data.inner_where` and its like)."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool

from bilevel_jax.data.day_or_night import by_day_and_night
from bilevel_jax.data.sources.source import Source
from bilevel_jax.errors import InputError, first_few


def tags_of(source: Source) -> Sequence[str] | None:
    """Returns one tag per pair: the source's groups, or "day" and "night" by the names; None where neither says it.

    A flipped copy (`NAME_flip`, as MFNet has them) has the tag of its pair.
    """
    if source.groups is not None:
        return source.groups
    said = by_day_and_night(source.names)
    return [said[name] for name in source.names] if len(said) == len(set(source.names)) else None


def pairs_with_tag(source: Source, tag: str, key: str, what: str) -> Bool[np.ndarray, " n"]:
    """Returns which of the n pairs of a source have a tag.

    Args:
        source: the pairs.
        tag: such as "day"; "" = every pair.
        key: the key of `config.data` that names the tag, for the message.
        what: what the pairs are called in the message, such as "training pairs".

    Raises:
        InputError: no pair has the tag; the message names the tags that there are.
    """
    if not tag:
        return np.ones(len(source), bool)
    tags = tags_of(source)
    if tags is None:
        silent = [name for name in source.names if not by_day_and_night([name])]
        raise InputError(
            f"config.data.{key} is {tag!r}, and neither the data set nor the names say which {what} are by day or by "
            f"night: {len(silent)} names do not end in a digit and D or N ({first_few(silent)}); expected ''."
        )
    found = np.array([own == tag for own in tags], bool)
    if not found.any():
        listed = ", ".join(f"{name} ({number} pairs)" for name, number in sorted(Counter(tags).items()))
        raise InputError(f"config.data.{key} is {tag!r}; expected '' or a tag of the {what}: {listed}.")
    return found
