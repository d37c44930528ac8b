"""Conv and ConvTranspose. XLA runs grouped ones slowly on a CPU: they become shifted products or dense ones."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

from bilevel_jax.models.convolution import convolve
from bilevel_jax.models.imported.onnx_operators.depthwise import LETTERS, Depthwise, fastest, grouped
from bilevel_jax.models.imported.onnx_operators.layout import Layout, Operator
from bilevel_jax.models.imported.onnx_operators.node import Node
from bilevel_jax.models.imported.onnx_operators.windows import WINDOW_ATTRIBUTES, Window, windows


def conv(
    node: Node,
    x: Float[Array, "b *size c"],
    kernel: Float[Array, "d c_group *taps"],
    bias: Float[Array, " d"] | None = None,
    depthwise: Depthwise | None = None,
) -> Float[Array, "b *size2 d"]:
    """Conv: the kernel as in the file, the image with its channels last.

    `depthwise` computes it where every channel is a group; None = the fastest of this backend.
    """
    kernel, groups = jnp.asarray(kernel), node.integer("group", 1)
    x = x.astype(kernel.dtype)  # constants in float32 promote what parameters in bfloat16 made
    window = windows(node, x.shape[1:-1], kernel.shape[2:])
    if groups == 1:
        y = _dense(x, kernel, window)
    elif groups == x.shape[-1]:
        y = (depthwise or fastest())(x, kernel, window)
    elif jax.default_backend() == "cpu":
        parts = zip(jnp.split(x, groups, axis=-1), jnp.split(kernel, groups), strict=True)
        y = jnp.concatenate([_dense(part, taps, window) for part, taps in parts], axis=-1)
    else:
        y = grouped(x, kernel, window, groups)
    return y if bias is None else y + jnp.asarray(bias, y.dtype)


def conv_transpose(
    node: Node,
    x: Float[Array, "b *size c"],
    kernel: Float[Array, "c d_group *taps"],
    bias: Float[Array, " d"] | None = None,
) -> Float[Array, "b *size2 d"]:
    """ConvTranspose: the gradient of a convolution, as a convolution of the image with zeros between its pixels."""
    if "output_shape" in node.attributes or node.text("auto_pad", "NOTSET") != "NOTSET":
        raise node.refused("output_shape or auto_pad", "the padding must be given by pads and output_padding")
    kernel = jnp.asarray(kernel)
    x, axes = x.astype(kernel.dtype), len(x.shape) - 2
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
    return y if bias is None else y + jnp.asarray(bias, y.dtype)


def _dense(x: Array, kernel: Array, window: Sequence[Window]) -> Array:
    """A convolution without groups; the kernel [d, c, *taps] as in the file."""
    if _is_square_and_centred(window):
        taps = jnp.moveaxis(kernel, (0, 1), (-1, -2))
        return convolve(x, taps, stride=window[0].stride, dilation=window[0].dilation)
    return grouped(x, kernel, window, 1)


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
