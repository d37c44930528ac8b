"""Sums under a separable window at its valid places, with a gradient that costs as little as they do."""

import functools

import chex
import jax
import numpy as np


def windowed(images: jax.Array, window: np.ndarray, stride: int = 1) -> jax.Array:
    """Returns `images` [...,H,W,C] weighted by a window where it fits: [...,(H-n)//stride+1,(W-n)//stride+1,C].

    As sums of shifted copies with a gradient of their own: reverse mode of any order goes through it, and forward mode
    raises TypeError.

    Args:
        images: float; give it a stack of all the images that one sum needs.
        window: [n], n odd and at most H and W, symmetric: the weights along either axis.
        stride: 2 takes every second place along each axis, the first one included.

    Raises:
        ValueError: the window does not fit.
    """
    chex.assert_rank(window, 1)
    height, width = images.shape[-3:-1]
    if min(height, width) < len(window):
        raise ValueError(f"a window of {len(window)} pixels does not fit into an image of {height} x {width}.")
    return _gather(images, tuple(float(weight) for weight in window), stride)


@functools.partial(jax.custom_vjp, nondiff_argnums=(1, 2))
def _gather(images: jax.Array, weights: tuple[float, ...], stride: int) -> jax.Array:
    for axis in (-3, -2):
        images = _sum_along(images, axis, weights, stride)
    return images


@functools.partial(jax.custom_vjp, nondiff_argnums=(1, 2, 3))
def _spread(sums: jax.Array, weights: tuple[float, ...], stride: int, lengths: tuple[int, int]) -> jax.Array:
    """The transpose of `_gather`: each place gives its value to the pixels under its window."""
    for axis, length in zip((-2, -3), reversed(lengths), strict=True):
        around = [(0, 0, 0)] * sums.ndim
        # As many zeros before the first place, between two and after the last that each pixel has all its windows.
        end = length - 1 - (sums.shape[axis] - 1) * stride
        around[axis] = (len(weights) - 1, end, stride - 1)
        padded = jax.lax.pad(sums, np.zeros((), sums.dtype), around)
        sums = _sum_along(padded, axis, weights, 1)
    return sums


def _sum_along(images: jax.Array, axis: int, weights: tuple[float, ...], stride: int) -> jax.Array:
    half, places = len(weights) // 2, images.shape[axis] - len(weights) + 1
    shifted = [jax.lax.slice_in_dim(images, i, i + places, stride, axis) for i in range(len(weights))]
    total = weights[half] * shifted[half]
    for i in range(half):
        total += weights[i] * (shifted[i] + shifted[-1 - i])
    # Without the barrier XLA joins a pass with what uses it, and computes it anew for each of its uses.
    return jax.lax.optimization_barrier(total)


_gather.defvjp(
    lambda images, weights, stride: (_gather(images, weights, stride), images.shape[-3:-1]),
    lambda weights, stride, lengths, sums: (_spread(sums, weights, stride, lengths),),
)
_spread.defvjp(
    lambda sums, weights, stride, lengths: (_spread(sums, weights, stride, lengths), None),
    lambda weights, stride, lengths, _, images: (_gather(images, weights, stride),),
)
