"""The arrays of one network that another network can take over: those of the same path and shape."""

from typing import NamedTuple

import jax
import numpy as np
from flax.traverse_util import flatten_dict, unflatten_dict

from bilevel_jax.bilevel.trees import PyTree


class TakenOver(NamedTuple):
    """What `take_over` did with the arrays of one network. An array's name is its path in the pytree, joined by "/".

    Attributes:
        taken: names of the arrays that were taken over.
        missing: names of the arrays that the source does not have; they stay as they were.
        differing: name -> (shape here, shape there) of arrays of another shape; they stay as they were.
        unused: names of the source's arrays that have no place here.
    """

    taken: list[str]
    missing: list[str]
    differing: dict[str, tuple[tuple[int, ...], tuple[int, ...]]]
    unused: list[str]


def take_over(params: PyTree, source: PyTree) -> tuple[PyTree, TakenOver]:
    """Returns `params` with the arrays of `source` that have the same path and shape, and a report on every array.

    Args:
        params: nested dictionaries of arrays.
        source: nested dictionaries of arrays.
    """
    own, given = (flatten_dict(tree, sep="/") for tree in (params, source))
    shapes = {name: (tuple(np.shape(own[name])), tuple(np.shape(given[name]))) for name in own.keys() & given.keys()}
    taken = [name for name in own if name in shapes and shapes[name][0] == shapes[name][1]]
    merged = own | {name: jax.numpy.array(given[name], own[name].dtype) for name in taken}
    return unflatten_dict(merged, sep="/"), TakenOver(
        taken=taken,
        missing=[name for name in own if name not in given],
        differing={name: shapes[name] for name in own if name in shapes and shapes[name][0] != shapes[name][1]},
        unused=[name for name in given if name not in own],
    )
