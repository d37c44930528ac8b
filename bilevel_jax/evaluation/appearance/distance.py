"""How far the pictures of a method are from those of another one: a method that only copies another has 0."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import UInt

from bilevel_jax.metrics.fusion import gray_levels

Distances = Mapping[str, float]  # other method -> distance


def luma_distances(
    pictures: Mapping[str, UInt[np.ndarray, "h w c"]], others: Mapping[str, UInt[np.ndarray, "h w c"]]
) -> dict[str, dict[str, float]]:
    """Returns method -> other method -> mean |difference| of their pictures' luma, in levels of 255.

    Args:
        pictures: method -> its picture of a pair, 8 or 16 bit.
        others: other method -> its picture of the same pair.
    """
    far = {name: gray_levels(picture) for name, picture in others.items()}
    near = {name: gray_levels(picture) for name, picture in pictures.items()} if far else {}
    return {
        name: {other: float(np.abs(luma - levels).mean()) for other, levels in far.items()}
        for name, luma in near.items()
    }


def mean_distances(seen: Sequence[Mapping[str, Mapping[str, float]]]) -> dict[str, dict[str, float]]:
    """Returns method -> other method -> the mean over pairs of what `luma_distances` returned for each pair."""
    return {
        name: {other: float(np.mean([own[name][other] for own in seen])) for other in others}
        for name, others in seen[0].items()
    }
