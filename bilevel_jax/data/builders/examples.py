"""One pair of files becomes one example of a prepared data set: looked at whole, encoded bytes kept as they are."""

import hashlib
import io
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from bilevel_jax.data.annotations.check_boxes import Boxes
from bilevel_jax.data.annotations.label_maps import decode_labels, encode_labels
from bilevel_jax.data.annotations.text_files import IGNORE
from bilevel_jax.data.builders.pairs import Pair
from bilevel_jax.data.records import check_size, computed_saliency, given_saliency, one_channel
from bilevel_jax.errors import InputError
from bilevel_jax.images.files import decode_image, encoded_size, read_file, scale_raw
from bilevel_jax.images.saliency import METHODS

# The smallest crop of a training configuration, and what a decoder may be asked to hold (8,192 x 8,192).
MIN_SIDE = 32
MAX_PIXELS = 1 << 26
# An encoded image of MAX_PIXELS pixels of 16 bit, uncompressed.
MAX_BYTES = 1 << 29
# Edges of the histogram of box sizes: the square root of a box's area, in pixels.
SIZE_EDGES = (0, 4, 8, 16, 32, 64, 128, 256, 512)


class Facts(NamedTuple):
    """What a summary counts of one pair.

    Fields:
        size: (height, width) in pixels.
        boxes: boxes of each class; () without annotation.
        pixels: labelled pixels of each class; () without a map.
        sizes: boxes by size, one number for each of `SIZE_EDGES`.
        digest: of both images' bytes.
        notes: on boxes that were left out.
    """

    size: tuple[int, int]
    boxes: tuple[int, ...]
    pixels: tuple[int, ...]
    sizes: tuple[int, ...]
    digest: bytes
    notes: list[str]


def make_example(builder: Any, pair: Pair) -> tuple[dict[str, Any], Facts]:
    """Reads and checks every file of a pair.

    Args:
        builder: a `PairBuilder`: how its data set stores images and boxes, its classes and options.
        pair: the files.

    Returns:
        The example as the builder's features describe it, and what the summary counts.

    Raises:
        InputError: a file is missing, damaged, of an unusable size, or does not fit its pair.
    """
    data = builder.read_images(pair)
    for path, encoded in zip((pair.infrared, pair.visible), data, strict=True):
        check_encoded(path, encoded)
    ir = one_channel(decode_image(data[0], pair.infrared))
    vis = decode_image(data[1], pair.visible)
    height, width = ir.shape[:2]
    check_size(pair.visible, vis.shape[:2], pair.infrared, (height, width))
    labels = None
    if pair.labels is not None:
        encoded = read_file(pair.labels)
        check_size(pair.labels, encoded_size(encoded, pair.labels), pair.infrared, (height, width))
        labels = decode_labels(encoded, pair.labels, len(builder.label_names) or IGNORE, builder.palette)
    boxes = None if pair.boxes is None else builder.read_boxes(pair, height, width)
    classes = np.zeros(0, np.int32) if boxes is None else _class_numbers(boxes, builder.class_names, pair)
    example = {
        "name": pair.name,
        "group": pair.group,
        "ir": data[0],
        "vis": data[1],
        "saliency": _saliency(builder.options, pair, ir, vis),
        "labels": b"" if labels is None else encode_labels(labels),
        "boxes": np.zeros((0, 4), np.float32) if boxes is None else boxes.boxes,
        "classes": classes,
        "has_labels": labels is not None,
        "has_boxes": boxes is not None,
    }
    return example, Facts(
        size=(height, width),
        boxes=() if boxes is None else tuple(np.bincount(classes, minlength=len(builder.class_names)).tolist()),
        pixels=() if labels is None else count_pixels(labels, len(builder.label_names)),
        sizes=count_sizes(example["boxes"]),
        digest=hashlib.sha256(data[0] + data[1]).digest(),
        notes=[] if boxes is None else boxes.notes,
    )


def check_encoded(path: Any, encoded: bytes) -> None:
    """Raises InputError where an image file is empty or too large, or its picture too small or too large, undecoded."""
    if not encoded:
        raise InputError(f"{path} is empty, expected an image.")
    if len(encoded) > MAX_BYTES:
        raise InputError(f"{path} has {len(encoded)} bytes, expected an image of at most {MAX_BYTES}.")
    height, width = encoded_size(encoded, path)
    if min(height, width) < MIN_SIDE or height * width > MAX_PIXELS:
        raise InputError(
            f"{path} is {width} x {height} pixels, expected sides of at least {MIN_SIDE} and at most {MAX_PIXELS} "
            "pixels."
        )


def encode_image(image: np.ndarray) -> bytes:
    """uint8 [H, W, 1 or 3] as a PNG file, packed for speed."""
    file = io.BytesIO()
    Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image).save(file, "PNG", compress_level=3)
    return file.getvalue()


def count_pixels(labels: np.ndarray, num_classes: int) -> tuple[int, ...]:
    """How many pixels of a label map, int [H, W], are of each class; 255 is not counted."""
    counts = np.bincount(labels[labels != IGNORE].ravel(), minlength=num_classes)
    return tuple(counts.tolist())


def count_sizes(boxes: np.ndarray) -> tuple[int, ...]:
    """How many of these boxes, [n, 4], are of each size of `SIZE_EDGES`."""
    sides = np.sqrt((boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]))
    return tuple(np.histogram(sides, (*SIZE_EDGES, np.inf))[0].tolist())


def _class_numbers(boxes: Boxes, class_names: tuple[str, ...], pair: Pair) -> np.ndarray:
    numbers = {name: number for number, name in enumerate(class_names)}
    for name in boxes.names:
        if name not in numbers:
            raise InputError(f"{pair.boxes} has the class {name[:60]!r}, expected one of {', '.join(class_names)}.")
    return np.array([numbers[name] for name in boxes.names], np.int32)


def _saliency(options: Any, pair: Pair, ir: np.ndarray, vis: np.ndarray) -> bytes:
    if pair.saliency is not None:
        encoded = read_file(pair.saliency)
        check_size(pair.saliency, encoded_size(encoded, pair.saliency), pair.infrared, ir.shape[:2])
        return encode_image(given_saliency(decode_image(encoded, pair.saliency)))
    if options.saliency in METHODS:
        scaled = scale_raw(ir, tuple(options.infrared_range) or None)
        return encode_image(computed_saliency(scaled, vis, options.saliency))
    return b""
