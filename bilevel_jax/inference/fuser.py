"""Fusing arrays of any size, depth and colour with a trained fusion network."""

import copy
import os
from collections.abc import Callable
from typing import Any

import jax
import numpy as np
from ml_collections import ConfigDict

from bilevel_jax.checkpoints import load_run
from bilevel_jax.checkpoints.weights import read_weights
from bilevel_jax.errors import InputError
from bilevel_jax.images.color import fuse_color, luma
from bilevel_jax.images.files import to_float
from bilevel_jax.inference.pretrained import pretrained_file
from bilevel_jax.models import fusion_network

BUCKET = 64
TILE = 1024
PAPER_RADIUS = 23


class Fuser:
    """A fusion network with its parameters, ready for images of any size.

    The image is continued by reflection beyond its borders, by the network's receptive radius and then to a multiple of
    64 pixels: a folder of many sizes compiles few shapes, and the zeros with which convolutions pad stay out of the
    picture. A large image goes through in tiles that overlap by twice the radius: the result does not depend on them.

    Args:
        apply: (params, ir [B, H, W, 1], luma [B, H, W, 1]) -> fused luminance [B, H, W, 1], floats in [0, 1].
        params: what `apply` takes: flax variables, for a module's own `apply`.
        radius: how many pixels away an input pixel still matters: a fusion network's `receptive_radius`. None: the
            result depends on the whole image, which is never cut into tiles and only continued to a multiple of 64.
        tile: images of more than tile x tile pixels (padded) are cut into tiles of at most this side; a multiple of 64.
    """

    def __init__(
        self, apply: Callable[[Any, Any, Any], Any], params: Any, *, radius: int | None = PAPER_RADIUS, tile: int = TILE
    ):
        self._whole, radius = radius is None, radius or 0
        if tile % BUCKET or tile <= 2 * radius:
            raise ValueError(f"tile is {tile}; expected a multiple of {BUCKET} greater than {2 * radius}")
        self._apply = jax.jit(apply)
        self._params = jax.device_put(params)
        self._radius = radius
        self._tile = tile

    @classmethod
    def from_workdir(cls, workdir: str | os.PathLike, checkpoint: str = "") -> "Fuser":
        """The fusion network of a training run.

        Args:
            workdir: the run's folder.
            checkpoint: "best", "newest" or a step; "" = the best where the run was told to keep it, else the newest.

        Raises:
            InputError: there is no run in `workdir`, or no such checkpoint.
        """
        return cls.from_run(*load_run(workdir, checkpoint))

    @classmethod
    def from_run(cls, config: ConfigDict, state: dict[str, Any]) -> "Fuser":
        """The same from what `checkpoints.load_run` has read already."""
        network = fusion_network(config.fusion.name)
        return cls(network.apply, state["outer_params"], radius=network.receptive_radius)

    @classmethod
    def from_weights(cls, path: str | os.PathLike) -> "Fuser":
        """The fusion network of a safetensors file that `experiments/convert.py export` wrote.

        Raises:
            InputError: it is no such file, or one without a fusion network.
        """
        weights = read_weights(path)
        if "fusion" not in weights.parts:
            raise InputError(f"{path} has only {', '.join(weights.parts)}; expected the part fusion too.")
        return cls.from_run(weights.config, {"outer_params": weights.parts["fusion"]})

    @classmethod
    def pretrained(cls, name: str | None = None, folder: str | os.PathLike | None = None) -> "Fuser":
        """The fusion network of weights that come with the package.

        Args:
            name: of the weights, whose model card is bilevel_jax/pretrained/NAME.md; None = the package's choice.
            folder: where NAME.safetensors is; None = the package's own.

        Raises:
            InputError: there are none of that name; the message has the names that there are.
        """
        return cls.from_weights(pretrained_file(name, folder))

    def with_params(self, params: Any) -> "Fuser":
        """The same network with other parameters; what is compiled for the one serves the other."""
        other = copy.copy(self)
        other._params = jax.device_put(params)
        return other

    def fuse(self, infrared: np.ndarray, visible: np.ndarray) -> np.ndarray:
        """The fused image, with exactly the visible image's shape and type; in colour where that is.

        Args:
            infrared: [H, W], [H, W, 1] or [H, W, 3] (its luminance is taken); uint8, uint16 or float in [0, 1]. Raw
                thermal counts are scaled beforehand: `images.files.scale_raw`.
            visible: the same, of the same height and width.

        Returns:
            uint8, uint16 or float in [0, 1], as `visible`; levels are rounded to the nearest.

        Raises:
            InputError: sizes that differ, or an array of another shape, type or range.
        """
        ir, vis = _checked(infrared, "infrared"), _checked(visible, "visible")
        if ir.shape[:2] != vis.shape[:2]:
            raise InputError(
                f"The infrared image is {ir.shape[1]} x {ir.shape[0]} pixels and the visible {vis.shape[1]} x "
                f"{vis.shape[0]}; expected one size (registered images)."
            )
        # Grey stored in colour stays grey to the last level: rounding in luma and chroma must not tint it.
        if (vis == vis[..., :1]).all():
            vis = vis[..., :1]
        fused = self.luminance(ir[None], vis[None])[0]
        if vis.shape[-1] == 3:
            fused = fuse_color(fused, vis)
        fused = np.clip(fused, 0.0, 1.0)
        kind = np.asarray(visible).dtype
        if not np.issubdtype(kind, np.floating):
            fused = np.floor(fused * float(np.iinfo(kind).max) + 0.5)
        if np.size(visible) > fused.size:
            fused = np.repeat(fused, 3, axis=-1)
        return fused.reshape(np.shape(visible)).astype(kind)

    def luminance(self, infrared: np.ndarray, visible: np.ndarray) -> np.ndarray:
        """The fused luminance of a batch, float32 [B, H, W, 1], not clipped.

        Args:
            infrared, visible: float32 [B, H, W, 1 or 3] in [0, 1]; the luminance of colour is taken.
        """
        pair = [image if image.shape[-1] == 1 else luma(image) for image in (infrared, visible)]
        batch, height, width = pair[0].shape[:3]
        core = [length - 2 * self._radius for length in self._window(height, width)]
        rows, columns = -(-height // core[0]), -(-width // core[1])
        beyond = [(0, 0), (self._radius, rows * core[0] - height + self._radius)]
        beyond += [(self._radius, columns * core[1] - width + self._radius), (0, 0)]
        pair = [np.pad(image, beyond, mode="reflect") for image in pair]
        fused = np.empty((batch, rows * core[0], columns * core[1], 1), np.float32)
        inside = slice(self._radius, -self._radius or None)
        for top in range(0, height, core[0]):
            for left in range(0, width, core[1]):
                bottom, right = top + core[0], left + core[1]
                window = np.s_[:, top : bottom + 2 * self._radius, left : right + 2 * self._radius]
                tile = np.asarray(self._apply(self._params, *(image[window] for image in pair)))
                fused[:, top:bottom, left:right] = tile[:, inside, inside]
        return fused[:, :height, :width]

    def _window(self, height: int, width: int) -> tuple[int, int]:
        """Height and width of what goes through the network at once: the padded image, or one of its equal tiles."""
        whole = [_bucket(length + 2 * self._radius) for length in (height, width)]
        if self._whole or whole[0] * whole[1] <= self._tile**2:
            return whole[0], whole[1]
        most = self._tile - 2 * self._radius
        parts = [-(-length // -(-length // most)) for length in (height, width)]
        return _bucket(parts[0] + 2 * self._radius), _bucket(parts[1] + 2 * self._radius)


def _bucket(length: int) -> int:
    return -(-length // BUCKET) * BUCKET


def _checked(image: np.ndarray, which: str) -> np.ndarray:
    """The image as float32 [H, W, 1 or 3] in [0, 1]."""
    image = np.asarray(image)
    shaped = image[..., None] if image.ndim == 2 else image
    if shaped.ndim != 3 or shaped.shape[-1] not in (1, 3) or 0 in shaped.shape:
        raise InputError(f"The {which} image has the shape {image.shape}; expected [H, W], [H, W, 1] or [H, W, 3].")
    if image.dtype not in (np.uint8, np.uint16) and not np.issubdtype(image.dtype, np.floating):
        raise InputError(f"The {which} image has the type {image.dtype}; expected uint8, uint16 or float in [0, 1].")
    values = to_float(shaped)
    # Written so that NaN fails it too.
    if not (values.min() >= 0 and values.max() <= 1):
        raise InputError(
            f"The {which} image has values {values.min():g} ... {values.max():g}; expected floats in [0, 1]."
        )
    return values
