"""Measures what a network from an ONNX file costs an image: `benchmark.py imported`."""

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypedDict

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from bilevel_jax.benchmarks.call_seconds import call_seconds
from bilevel_jax.errors import InputError
from bilevel_jax.models.imported.onnx import ImportedNetwork, read_onnx
from bilevel_jax.models.imported.onnx_operators import OPERATORS
from bilevel_jax.models.imported.onnx_operators.convolution import conv
from bilevel_jax.models.imported.onnx_operators.depthwise import VARIANTS

ImportedTime = TypedDict(
    "ImportedTime",
    {
        "depthwise convolutions": str,
        "batch": int,
        "work": str,
        "ms an image": float,
        "median": float,
        "compile s": float,
    },
)

RUNTIME = "onnxruntime"


def measure(
    path: Path,
    batches: Sequence[int],
    height: int,
    width: int,
    outputs: Sequence[str] | None = None,
    variants: Sequence[str] = tuple(VARIANTS),
    repeats: int = 10,
) -> Iterator[ImportedTime]:
    """Times a network with each variant of depthwise convolution, and beside it onnxruntime.

    The work is: forward; forward and the gradient with respect to the image (a frozen network that trains something
    else); forward and the gradients with respect to image and weights (a network that is trained).

    Args:
        path: an ONNX file with one input, an image [b, c, h, w].
        batches: batch sizes.
        height: of the images.
        width: of the images.
        outputs: names of tensors to end at, see `read_onnx`.
        variants: names of `depthwise.VARIANTS`.
        repeats: calls after the first one.

    Yields:
        A row for each variant, batch size and work: the least and the median time over the calls divided by the batch,
        and the seconds of the first call.

    Raises:
        InputError: the file cannot be read, or it has another input than one image.
    """
    for batch in batches:
        network = read_onnx(path, outputs)
        image = _image(network, batch, height, width)
        row = functools.partial(_row, batch=batch, repeats=repeats)
        if outputs is None and _fits(network, image):
            yield row(RUNTIME, "forward", _runtime(path, network, image))
        for variant in variants:
            operator = OPERATORS["Conv"]._replace(function=functools.partial(conv, depthwise=VARIANTS[variant]))
            network = read_onnx(path, outputs, OPERATORS | {"Conv": operator})
            for work, function in _work(network).items():
                yield row(variant, work, functools.partial(jax.jit(function), network.params, image))


def _work(network: ImportedNetwork) -> Mapping[str, Callable[..., object]]:
    def loss(params: dict[str, Array], image: Array) -> Array:
        results = network.apply(params, image)
        return sum((jnp.mean(result**2) for result in results if result.dtype == image.dtype), jnp.zeros(()))

    return {
        "forward": network.apply,
        "forward, image's gradient": jax.value_and_grad(loss, 1),
        "forward, all gradients": jax.value_and_grad(loss, (0, 1)),
    }


def _image(network: ImportedNetwork, batch: int, height: int, width: int) -> Float[np.ndarray, "b c h w"]:
    shape = network.inputs[0].shape
    if len(network.inputs) != 1 or shape is None or len(shape) != 4:
        names = ", ".join(tensor.name for tensor in network.inputs)
        raise InputError(f"{network.path}: its inputs are {names}; expected one image [b, c, h, w].")
    size = (batch, shape[1] or 3, height, width)
    return np.random.default_rng(0).uniform(0, 255, size).astype(np.float32)


def _fits(network: ImportedNetwork, image: Float[np.ndarray, "b c h w"]) -> bool:
    """Whether onnxruntime takes the images, one by one where the file fixes a batch of one."""
    shape = network.inputs[0].shape or ()
    return all(length in (None, given) for length, given in zip(shape[2:], image.shape[2:], strict=True))


def _runtime(path: Path, network: ImportedNetwork, image: Float[np.ndarray, "b c h w"]) -> Callable[[], object]:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # it warns of every weight that is also an input
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    name = network.inputs[0].name
    single = (network.inputs[0].shape or (None,))[0] is not None
    parts = np.split(image, len(image)) if single else [image]
    return lambda: [session.run(None, {name: part}) for part in parts]


def _row(variant: str, work: str, call: Callable[[], object], batch: int, repeats: int) -> ImportedTime:
    seconds = call_seconds(call, repeats)
    least, median = min(seconds[1:]), float(np.median(seconds[1:]))
    return {
        "depthwise convolutions": variant,
        "batch": batch,
        "work": work,
        "ms an image": 1e3 * least / batch,
        "median": 1e3 * median / batch,
        "compile s": seconds[0] - median,
    }
