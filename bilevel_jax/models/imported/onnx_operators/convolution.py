"""Conv and ConvTranspose. XLA runs grouped ones slowly on a CPU: they become shifted products or dense ones."""

import functools
import itertools
from collections.abc import Sequence

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

from bilevel_jax.models.convolution import convolve
from bilevel_jax.models.imported.onnx_operators.layout import Layout, Operator
from bilevel_jax.models.imported.onnx_operators.node import Node
from bilevel_jax.models.imported.onnx_operators.windows import WINDOW_ATTRIBUTES, Window, windows

LETTERS = "DHW"


def conv(
    node: Node,
    x: Float[Array, "b *size c"],
    kernel: Float[Array, "d c_group *taps"],
    bias: Float[Array, " d"] | None = None,
) -> Float[Array, "b *size2 d"]:
    """Conv: the kernel as in the file, the image with its channels last."""
    kernel, groups = jnp.asarray(kernel), node.integer("group", 1)
    window = windows(node, x.shape[1:-1], kernel.shape[2:])
    if groups == 1:
        y = _dense(x, kernel, window)
    elif groups == x.shape[-1]:
        y = depthwise(x, kernel, window)
    else:
        parts = zip(jnp.split(x, groups, axis=-1), jnp.split(kernel, groups), strict=True)
        y = jnp.concatenate([_dense(part, taps, window) for part, taps in parts], axis=-1)
    return y if bias is None else y + bias


def depthwise(
    x: Float[Array, "b *size c"], kernel: Float[Array, "d 1 *taps"], window: Sequence[Window]
) -> Float[Array, "b *size2 d"]:
    """Returns each channel convolved with its own d / c kernels, as a sum of shifted products."""
    batch, channels = x.shape[0], x.shape[-1]
    padded = jnp.pad(x, [(0, 0), *((w.before, w.after) for w in window), (0, 0)])
    outputs = [w.outputs for w in window]
    multiplier = kernel.shape[0] // channels
    products = []
    for offsets in itertools.product(*(range(w.kernel) for w in window)):
        starts = [offset * w.dilation for offset, w in zip(offsets, window, strict=True)]
        ends = [start + (w.outputs - 1) * w.stride + 1 for start, w in zip(starts, window, strict=True)]
        strides = (1, *(w.stride for w in window), 1)
        shifted = lax.slice(padded, (0, *starts, 0), (batch, *ends, channels), strides)
        taps = kernel[(slice(None), 0, *offsets)]
        if multiplier > 1:
            products.append((shifted[..., None] * taps.reshape(channels, multiplier)).reshape(batch, *outputs, -1))
        else:
            products.append(shifted * taps)
    return functools.reduce(jnp.add, products)


def conv_transpose(
    node: Node,
    x: Float[Array, "b *size c"],
    kernel: Float[Array, "c d_group *taps"],
    bias: Float[Array, " d"] | None = None,
) -> Float[Array, "b *size2 d"]:
    """ConvTranspose: the gradient of a convolution, as a convolution of the image with zeros between its pixels."""
    if "output_shape" in node.attributes or node.text("auto_pad", "NOTSET") != "NOTSET":
        raise node.refused("output_shape or auto_pad", "the padding must be given by pads and output_padding")
    axes = len(x.shape) - 2
    ones, zeros = (1,) * axes, (0,) * axes
    strides, dilations = node.integers("strides") or ones, node.integers("dilations") or ones
    pads, more = node.integers("pads") or (*zeros, *zeros), node.integers("output_padding") or zeros
    padding = []
    for i, (taps, dilation) in enumerate(zip(kernel.shape[2:], dilations, strict=True)):
        span = (taps - 1) * dilation
        padding.append((span - pads[i], span - pads[i + axes] + more[i]))
    groups, turned = node.integer("group", 1), jnp.flip(kernel, range(2, 2 + axes))
    letters = LETTERS[-axes:]
    parts = [
        lax.conv_general_dilated(
            part,
            taps,
            window_strides=ones,
            padding=padding,
            lhs_dilation=strides,
            rhs_dilation=dilations,
            dimension_numbers=(f"N{letters}C", f"IO{letters}", f"N{letters}C"),
        )
        for part, taps in zip(jnp.split(x, groups, axis=-1), jnp.split(turned, groups), strict=True)
    ]
    y = jnp.concatenate(parts, axis=-1)
    return y if bias is None else y + bias


def _dense(x: Array, kernel: Array, window: Sequence[Window]) -> Array:
    """A convolution without groups; the kernel [d, c, *taps] as in the file."""
    taps = jnp.moveaxis(kernel, (0, 1), (-1, -2))
    if _is_square_and_centred(window):
        return convolve(x, taps, stride=window[0].stride, dilation=window[0].dilation)
    letters = LETTERS[-len(window) :]
    return lax.conv_general_dilated(
        x,
        taps,
        window_strides=[w.stride for w in window],
        padding=[(w.before, w.after) for w in window],
        rhs_dilation=[w.dilation for w in window],
        dimension_numbers=(f"N{letters}C", f"{letters}IO", f"N{letters}C"),
    )


def _is_square_and_centred(window: Sequence[Window]) -> bool:
    """Whether `models.convolution.convolve`, whose gradient is faster on a CPU, computes the same."""
    first = window[0]
    same = all((w.kernel, w.stride, w.dilation) == (first.kernel, first.stride, first.dilation) for w in window)
    centred = all(2 * w.before == 2 * w.after == w.span - 1 for w in window)
    return len(window) == 2 and same and centred


OPERATORS = {
    "Conv": Operator(conv, Layout.IMAGES, ("group", *WINDOW_ATTRIBUTES), weights=(1, 2)),
    "ConvTranspose": Operator(
        conv_transpose,
        Layout.IMAGES,
        ("group", "output_padding", "output_shape", *WINDOW_ATTRIBUTES),
        weights=(1, 2),
        note="without output_shape and auto_pad",
    ),
}
