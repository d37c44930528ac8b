"""Sums of products and other functions of task gradients, without arrays for what is summed."""

import math
from collections.abc import Callable, Iterator, Sequence

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

BLOCK = 16  # values that are summed one after the other: the compiler writes the loop out and vectorises around it
LANES = 64  # neighbours of a leaf with one axis, so that there is something to vectorise
AT_ONCE = 4  # sums taken in one pass: with more the compiler no longer vectorises
SMALL = 2**16  # values of a task below which a sum of an array is as fast and compiles sooner

Terms = Callable[..., Sequence[Array]]


def split_explicitly(leaf: Array) -> bool:
    """Whether an array is split over Explicit axes of a mesh, so that operations must say how results are."""
    sharding = getattr(jax.typeof(leaf), "sharding", None)
    return sharding is not None and any(axes is not None for axes in sharding.spec)


def sums_of_terms(terms: Terms, *leaves: Float[Array, "k ..."]) -> list[Float[Array, ""]]:
    """`sums_in_blocks` on the CPU; on other platforms, and for Explicit axes of a mesh, the plain sums."""

    def plain(*leaves):
        return [jnp.sum(array) for array in terms(*leaves)]

    if any(map(split_explicitly, leaves)):
        return plain(*leaves)
    return jax.lax.platform_dependent(*leaves, cpu=lambda *leaves: sums_in_blocks(terms, *leaves), default=plain)


def sums_in_blocks(terms: Terms, *leaves: Float[Array, "k ..."]) -> list[Float[Array, ""]]:
    """The sums of arrays that are functions, element by element, of leaves with a task axis.

    XLA's CPU backend writes an array out before it sums it, except where one reduction takes several sums over a
    short axis. So a long axis is cut into blocks. The sums over blocks are 1/16 as many numbers and are summed next.
    The leaves stay split over devices as they are.

    Args:
      terms: gives arrays [*shape] in float32 or float64, of leaves [K, *shape].
      *leaves: of one shape [K, *shape].

    Returns:
      The sum of each array.
    """
    totals: list[Array] = []
    for parts, axis in _parts(leaves):
        arrays = terms(*parts)
        if axis is None:
            sums = [jnp.sum(array) for array in arrays]
        else:
            sums = [jnp.sum(some) for group in _groups(arrays) for some in _together(group, axis)]
        totals = [total + more for total, more in zip(totals, sums, strict=True)] if totals else sums
    return totals


def _groups(arrays: Sequence[Array]) -> Iterator[tuple[Array, ...]]:
    """The arrays in groups of equal sizes, or nearly so, of at most `AT_ONCE`."""
    number = -(-len(arrays) // AT_ONCE)
    for i in range(number):
        yield tuple(arrays[len(arrays) * i // number : len(arrays) * (i + 1) // number])


def _parts(leaves: Sequence[Array]) -> Iterator[tuple[list[Array], int | None]]:
    """The leaves in one or two parts, and the short axis of each part's arrays [*shape]; None = sum them all."""
    shape = leaves[0].shape[1:]
    # Not the last of several axes: neighbours are what is vectorised.
    axis = max(range(len(shape[:-1])), key=lambda i: shape[i], default=0)
    lanes = () if len(shape) > 1 else (LANES,)
    unit = math.prod((BLOCK, *lanes))
    if math.prod(shape) < SMALL or not _stays_split(shape[axis], unit):
        yield list(leaves), None
        return
    whole = shape[axis] - shape[axis] % unit
    if whole:
        blocks = (-1, *shape[:axis], whole // unit, BLOCK, *lanes, *shape[axis + 1 :])
        yield [_slice(leaf, 0, whole, axis).reshape(blocks) for leaf in leaves], axis + 1
    if whole < shape[axis]:
        yield [_slice(leaf, whole, shape[axis], axis) for leaf in leaves], None if lanes else axis


def _stays_split(size: int, unit: int) -> bool:
    """Whether an axis can be cut into blocks without moving numbers between CPU devices, over which it may be split."""
    try:
        devices = jax.device_count("cpu")
    except RuntimeError:  # jax was told to leave the CPU alone
        return True
    return devices == 1 or size % (unit * devices) == 0


def _slice(leaf: Array, start: int, stop: int, axis: int) -> Array:
    return jax.lax.slice_in_dim(leaf, start, stop, axis=axis + 1)


def _together(arrays: tuple[Array, ...], axis: int) -> tuple[Array, ...]:
    """The sums of arrays over one axis, in one pass; their derivative is the sum of the tangents."""

    @jax.custom_jvp
    def reduce(arrays):
        zeros = tuple(jnp.zeros((), array.dtype) for array in arrays)
        return tuple(jax.lax.reduce(arrays, zeros, lambda a, b: tuple(map(jnp.add, a, b)), (axis,)))

    @reduce.defjvp
    def derivative(primals, tangents):
        return reduce(*primals), tuple(jnp.sum(tangent, axis) for tangent in tangents[0])

    return reduce(arrays)
