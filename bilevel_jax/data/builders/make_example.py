"""One pair of files becomes one example of a prepared data set.

Every file is decoded and checked. The images are stored as the bytes that they came in.
"""

import hashlib
import io
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypedDict

import numpy as np
from jaxtyping import Float32, Int32, Shaped, UInt, UInt8
from PIL import Image

from bilevel_jax.data.annotations.check_boxes import class_numbers
from bilevel_jax.data.annotations.label_maps import IGNORE, decode_labels, encode_labels
from bilevel_jax.data.annotations.saliency_masks import computed_saliency, mask_as_saliency
from bilevel_jax.data.builders.options import Options
from bilevel_jax.data.builders.scan import Pair
from bilevel_jax.data.channels import one_channel
from bilevel_jax.data.pair_size import check_size
from bilevel_jax.errors import InputError
from bilevel_jax.images.files import FileNote, decode_image, decode_visible, encoded_size, read_file, scale_raw
from bilevel_jax.images.saliency import METHODS
from bilevel_jax.images.thermal import decode_infrared

if TYPE_CHECKING:
    from bilevel_jax.data.builders.pair_builder import PairBuilder

# The least side of an image in pixels: the smallest crop of a training configuration.
MIN_SIDE = 32
# The largest picture that a decoder is asked to hold (8,192 x 8,192), and the largest file that could hold it.
MAX_PIXELS = 1 << 26
MAX_BYTES = 1 << 29
# Lower edges of the histogram of box sizes: the square root of a box's area, in pixels.
SIZE_EDGES = (0, 4, 8, 16, 32, 64, 128, 256, 512)


class Example(TypedDict):
    """One pair as it is stored; files are kept encoded, b"" where there is none.

    Keys:
        name: of the pair.
        group: "day", "night" or "".
        ir, vis, saliency, labels: image files.
        boxes: y0, x0, y1, x1 in pixels.
        classes: class of every box.
        has_labels, has_boxes: whether the pair is annotated.
    """

    name: str
    group: str
    ir: bytes
    vis: bytes
    saliency: bytes
    labels: bytes
    boxes: Float32[np.ndarray, "n 4"]
    classes: Int32[np.ndarray, " n"]
    has_labels: bool
    has_boxes: bool


class Facts(NamedTuple):
    """What a summary counts of one pair.

    Fields:
        size: (height, width) in pixels.
        boxes: number of boxes of each class; () where the boxes are not annotated.
        pixels: number of labelled pixels of each class; () without a label map.
        sizes: number of boxes of each size of `SIZE_EDGES`.
        digest: of both images' bytes.
        notes: what a user should know about how the files were read.
    """

    size: tuple[int, int]
    boxes: tuple[int, ...]
    pixels: tuple[int, ...]
    sizes: tuple[int, ...]
    digest: bytes
    notes: list[FileNote]


def make_example(builder: "PairBuilder", pair: Pair) -> tuple[Example, Facts]:
    """Reads and checks every file of a pair.

    Args:
        builder: says how its data set stores images and boxes, and has its classes and options.
        pair: the files.

    Returns:
        The example, and what the summary counts of it.

    Raises:
        InputError: a file is missing, damaged, of an unusable size, or does not fit its pair.
    """
    data = builder.read_images(pair)
    for path, encoded in zip((pair.infrared, pair.visible), data, strict=True):
        check_encoded(path, encoded)
    infrared, visible = decode_infrared(data[0], pair.infrared), decode_visible(data[1], pair.visible)
    ir, vis = one_channel(infrared.samples), visible.levels
    height, width = ir.shape[:2]
    check_size(pair.visible, vis.shape[:2], pair.infrared, (height, width))
    labels = None
    if pair.labels is not None:
        encoded = read_file(pair.labels)
        check_size(pair.labels, encoded_size(encoded, pair.labels), pair.infrared, (height, width))
        labels = decode_labels(encoded, pair.labels, len(builder.label_names) or IGNORE, builder.palette)
    boxes = None if pair.boxes is None else builder.read_boxes(pair.boxes, pair.name, height, width)
    none = np.zeros(0, np.int32)
    classes = none if boxes is None else class_numbers(boxes.names, builder.class_names, str(pair.boxes))
    example: Example = {
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
        notes=[
            *(FileNote(pair.infrared, text) for text in infrared.notes),
            *(FileNote(pair.visible, text) for text in visible.notes),
            *([] if boxes is None else boxes.notes),
        ],
    )


def check_encoded(path: Path, encoded: bytes) -> None:
    """Checks an image file before it is decoded.

    Args:
        path: names the file in messages.
        encoded: its bytes.

    Raises:
        InputError: the file is empty or too large, or its picture is too small or too large.
    """
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


def encode_image(image: UInt8[np.ndarray, "h w c"]) -> bytes:
    """Encodes an image with 1 or 3 channels as a PNG file, with little compression, which is fast."""
    file = io.BytesIO()
    Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image).save(file, "PNG", compress_level=3)
    return file.getvalue()


def count_pixels(labels: Int32[np.ndarray, "h w"], num_classes: int) -> tuple[int, ...]:
    """Counts the pixels of each class in a label map; 255 is not counted."""
    counts = np.bincount(labels[labels != IGNORE].ravel(), minlength=num_classes)
    return tuple(counts.tolist())


def count_sizes(boxes: Float32[np.ndarray, "n 4"]) -> tuple[int, ...]:
    """Counts the boxes (y0, x0, y1, x1 in pixels) of each size of `SIZE_EDGES`."""
    sides = np.sqrt((boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]))
    return tuple(np.histogram(sides, (*SIZE_EDGES, np.inf))[0].tolist())


def _saliency(options: Options, pair: Pair, ir: Shaped[np.ndarray, "h w 1"], vis: UInt[np.ndarray, "h w c"]) -> bytes:
    """Returns the saliency as a file, b"" where it is computed when the pair is read."""
    if pair.saliency is not None:
        encoded = read_file(pair.saliency)
        check_size(pair.saliency, encoded_size(encoded, pair.saliency), pair.infrared, ir.shape[:2])
        return encode_image(mask_as_saliency(decode_image(encoded, pair.saliency)))
    if options.saliency in METHODS:
        scaled = scale_raw(ir, options.range_or_none())
        return encode_image(computed_saliency(scaled, vis, options.saliency))
    return b""
