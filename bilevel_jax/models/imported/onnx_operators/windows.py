"""The windows of convolutions and pooling: kernel, strides, dilations and padding along each spatial axis."""

from collections.abc import Sequence
from typing import NamedTuple

from bilevel_jax.models.imported.onnx_operators.node import Node

WINDOW_ATTRIBUTES = ("auto_pad", "dilations", "kernel_shape", "pads", "strides")


class Window(NamedTuple):
    """A window along one spatial axis, in pixels.

    Attributes:
        kernel: number of taps.
        stride: distance of neighbouring windows.
        dilation: distance of neighbouring taps.
        before: padding at the start.
        after: padding at the end.
        padded: the part of `after` that the file declares; the rest only completes the last window (`ceil_mode`).
        outputs: number of windows.
    """

    kernel: int
    stride: int
    dilation: int
    before: int
    after: int
    padded: int
    outputs: int

    @property
    def span(self) -> int:
        """Pixels from the first to the last tap."""
        return (self.kernel - 1) * self.dilation + 1


def windows(node: Node, sizes: Sequence[int], kernel: Sequence[int]) -> list[Window]:
    """Returns the window of each spatial axis of an input whose spatial axes have `sizes`."""
    ones, zeros = (1,) * len(sizes), (0,) * (2 * len(sizes))
    strides, dilations = node.integers("strides") or ones, node.integers("dilations") or ones
    pads = node.integers("pads") or zeros
    auto = node.chosen("auto_pad", "NOTSET", ("NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER"))
    found = []
    for i, (size, taps, stride, dilation) in enumerate(zip(sizes, kernel, strides, dilations, strict=True)):
        span = (taps - 1) * dilation + 1
        before, after = pads[i], pads[i + len(sizes)]
        if auto == "VALID":
            before = after = 0
        elif auto != "NOTSET":
            total = max(0, (-(-size // stride) - 1) * stride + span - size)
            before = total // 2 if auto == "SAME_UPPER" else total - total // 2
            after = total - before
        padded = after
        outputs, rest = divmod(size + before + after - span, stride)
        outputs += 1
        if rest and node.integer("ceil_mode", 0) and outputs * stride < size + before:
            # The last window must start in the input or in the padding before it.
            outputs, after = outputs + 1, after + stride - rest
        found.append(Window(taps, stride, dilation, before, after, padded, outputs))
    return found
