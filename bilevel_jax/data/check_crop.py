"""The check that no training pair is smaller than the crop, from the sizes alone and before the first step."""

from collections.abc import Sequence

import numpy as np
from ml_collections import ConfigDict

from bilevel_jax.data.augment.mosaic import MARGIN
from bilevel_jax.data.sources.source import Source
from bilevel_jax.errors import InputError

SHOWN = 3


def check_crop(config: ConfigDict, source: Source, indices: Sequence[int] | np.ndarray | None = None) -> None:
    """Checks that every pair can give a crop.

    Args:
        config: the `data` part of a configuration: `crop`, the highest factor of `scale`, and `mosaic`.
        source: the training pairs.
        indices: which of them are trained on; None = all.

    Raises:
        InputError: some pairs are too small; the message names up to three with their paths.
    """
    rows, columns = config.crop
    if config.mosaic == 1:  # every sample shows quadrants, the largest of which is smaller than the crop
        rows, columns = rows - int(MARGIN * rows), columns - int(MARGIN * columns)
    places = np.arange(len(source)) if indices is None else np.asarray(indices, np.int64)
    sizes = source.sizes()[places]
    small = np.flatnonzero(np.maximum(rows / sizes[:, 0], columns / sizes[:, 1]) > config.scale[1])
    if not len(small):
        return
    named = [f"{source.where(int(places[i]))} is {sizes[i, 1]} x {sizes[i, 0]} pixels" for i in small[:SHOWN]]
    others = f", and {len(small) - SHOWN} more pairs are too small" if len(small) > SHOWN else ""
    height, width = sizes.min(axis=0)
    scaled = f" when they are enlarged {config.scale[1]:g} times" if config.scale[1] != 1 else ""
    raise InputError(
        f"{', '.join(named)}{others}; expected at least the crop of {columns} x {rows} (width x height){scaled}: "
        f"leave them out of the list of training pairs, or set config.data.crop to at most ({height}, {width}), or the "
        "second value of config.data.scale higher."
    )
