"""Tags of pairs, such as day and night, and the choice of pairs by them (`config.data.inner_where` and its like)."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool

from bilevel_jax.data.day_or_night import day_or_night
from bilevel_jax.data.sources.source import Source
from bilevel_jax.errors import InputError


def tags_of(source: Source) -> Sequence[str] | None:
    """Returns one tag per pair: the source's groups, or "day" and "night" by the names; None where neither says it."""
    return source.groups if source.groups is not None else day_or_night(source.names)


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
        raise InputError(
            f"config.data.{key} is {tag!r}, and nothing says which {what} are by day or by night: neither the data set "
            "nor names that end in D or N; expected ''."
        )
    found = np.array([own == tag for own in tags], bool)
    if not found.any():
        listed = ", ".join(f"{name} ({number} pairs)" for name, number in sorted(Counter(tags).items()))
        raise InputError(f"config.data.{key} is {tag!r}; expected '' or a tag of the {what}: {listed}.")
    return found
