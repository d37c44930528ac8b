"""Named terms of a loss, and how a term gets its weight."""

from bilevel_jax.losses.pair import Pair

Terms = dict[str, Pair]  # a loss is the sum of its terms, each (sum, normaliser)


def weighted(weight: float, pair: Pair) -> Pair:
    """Returns a term multiplied by its weight."""
    return weight * pair[0], pair[1]
