"""What can be fused: paths, Pillow's images, and whatever becomes a NumPy array; and how it is checked."""

import os
import warnings
from typing import Any, Protocol, TypeAlias, TypeGuard

import numpy as np
from jaxtyping import Shaped
from PIL import Image, ImageOps

from bilevel_jax.errors import InputError
from bilevel_jax.images.array_checks import CHANNELS, check_levels, is_channels_first
from bilevel_jax.images.files import read_visible, scale_raw
from bilevel_jax.images.files.decoding import pillow_samples, without_alpha
from bilevel_jax.images.thermal import read_infrared


class HasArray(Protocol):
    """An object that NumPy can read, such as a tensor of torch or an array of JAX."""

    def __array__(self, *args: Any, **kwargs: Any) -> np.ndarray:
        """Returns the object as a NumPy array."""


ImageLike: TypeAlias = str | os.PathLike | Image.Image | np.ndarray | HasArray
ImageList: TypeAlias = list[Any] | tuple[Any, ...]  # of ImageLike; a str is a Sequence too, so that would be no help


def is_path(image: object) -> TypeGuard[str | os.PathLike]:
    """Whether the image is given by the path of its file."""
    return isinstance(image, str | os.PathLike)


def as_array(image: ImageLike, which: str) -> Shaped[np.ndarray, "..."]:
    """Returns an image, or a batch of images, as a NumPy array; what it holds is not checked.

    Files are read as `bilevel-fuse` reads them: temperatures and raw counts are scaled, false colours are turned
    back into heat, and visible images of 10 or 12 bits get the full range. A warning says so. An infrared image of
    Pillow with raw counts is scaled as `images.files.scale_raw` does. Arrays keep their values. Images of Pillow
    are turned upright, as files are, and lose an alpha channel.

    Args:
        image: a path, an image of Pillow, or an object that NumPy can read.
        which: "infrared" or "visible".

    Raises:
        InputError: the file or the image cannot be read, or the object does not become a NumPy array.
    """
    if is_path(image):
        samples, notes = read_infrared(image) if which == "infrared" else read_visible(image)
        for note in notes:
            warnings.warn(f"{image} {note}", stacklevel=3)
        return scale_raw(samples) if which == "infrared" else samples
    if isinstance(image, Image.Image):
        array = _from_pillow(image, which)
        return scale_raw(array) if which == "infrared" and array.dtype == np.uint16 else array
    try:
        return np.asarray(image)
    except Exception as error:
        # Each library has errors of its own: torch raises TypeError for a GPU's tensor, and RuntimeError for gradients.
        raise InputError(
            f"The {which} image is a {type(image).__name__} that does not become a NumPy array ({error}); expected an "
            "array, a path or an image of Pillow. Of a tensor of torch pass tensor.detach().cpu()."
        ) from error


def channels_last(image: Shaped[np.ndarray, "..."], which: str) -> Shaped[np.ndarray, "h w c"]:
    """Returns the image as [H, W, 1 or 3], a view of the same pixels.

    Args:
        image: [H, W], [H, W, 1 or 3], or channels first as torch has them, [1 or 3, H, W].
        which: "infrared" or "visible", for messages.

    Raises:
        InputError: the array has another shape, type or range.
    """
    shaped = image[..., None] if image.ndim == 2 else image
    if is_channels_first(image):
        shaped = np.moveaxis(image, 0, -1)
    if shaped.ndim != 3 or shaped.shape[-1] not in CHANNELS or 0 in shaped.shape:
        raise InputError(
            f"The {which} image has the shape {image.shape}; expected [H, W], [H, W, 1 or 3] or [1 or 3, H, W]."
        )
    check_levels(image, f"The {which} image")
    return shaped


def _from_pillow(image: Image.Image, which: str) -> Shaped[np.ndarray, "h w *c"]:
    where = f"The {which} image of Pillow"
    try:
        # An image that Pillow opened is read from its file only here.
        samples = pillow_samples(ImageOps.exif_transpose(image), where)
    except InputError:
        raise
    except (OSError, ValueError) as error:
        raise InputError(f"{where} cannot be read ({error}); expected the image of a whole file.") from error
    if samples.ndim == 2:
        return samples
    plain = without_alpha(samples)
    return plain[..., 0] if plain.shape[-1] == 1 else plain
