"""Training pairs by the classes of their boxes, so that a rare class is seen as often as a frequent one."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Int64

from bilevel_jax.data.sources.source import Source
from bilevel_jax.errors import InputError

# For each class that occurs in a list of pairs: the places in the list of the pairs that have a box of it.
Holders = list[Int64[np.ndarray, " n"]]


def holders_by_class(
    source: Source, parts: Sequence[Sequence[int] | np.ndarray], class_names: Sequence[str] = ()
) -> list[Holders]:
    """Finds which pairs of each part have a box of which class.

    Args:
        source: the pairs.
        parts: lists of its pairs; each of them is balanced by itself.
        class_names: the classes that are balanced; () = all.

    Returns:
        The holders of each part. They leave out a class that does not occur in the part, so they may be empty.

    Raises:
        InputError: no pair of the source has a box, or none has a box of a class that `class_names` names.
    """
    held = source.held_classes()
    number_of_pairs = dict(zip(source.class_names, held.sum(axis=0).tolist(), strict=True))
    occurring = {name: number for name, number in number_of_pairs.items() if number}
    if not occurring:
        raise InputError(
            f"config.data.balance or config.rows.balance is above 0, and none of the {len(source)} training pairs has "
            "a box; expected pairs with boxes, or 0 for both keys."
        )
    for name in class_names:
        if name not in occurring:
            found = ", ".join(f"{name} ({number} pairs)" for name, number in occurring.items())
            raise InputError(
                f"config.data.balance_classes has {name!r}, and no training pair has a box of that class; expected "
                f"names of classes that occur: {found}."
            )
    columns = [number for number, name in enumerate(source.class_names) if name in (class_names or occurring)]
    tables = [held[np.asarray(part, np.int64)] for part in parts]
    return [[np.flatnonzero(table[:, column]) for column in columns if table[:, column].any()] for table in tables]


def draw_by_class(holders: Holders, rng: np.random.Generator) -> int:
    """Draws one of the classes, all alike, and then one of the pairs that have a box of it.

    Args:
        holders: of a list of pairs, at least one class.
        rng: draws both.

    Returns:
        The pair's place in the list.
    """
    places = holders[int(rng.integers(len(holders)))]
    return int(places[int(rng.integers(len(places)))])
