"""Fusing arrays of any size with a trained fusion network."""

import copy
import os
from collections.abc import Callable
from typing import Any

import jax
import numpy as np
from flax.traverse_util import flatten_dict
from jaxtyping import Float, Float32, PyTree
from ml_collections import ConfigDict

from bilevel_jax.checkpoints import SavedState, load_run
from bilevel_jax.checkpoints.weights import read_weights
from bilevel_jax.errors import InputError
from bilevel_jax.images.color_methods import DEFAULT_COLOR, color_method
from bilevel_jax.inference.image_fuser import ImageFuser
from bilevel_jax.inference.pretrained import is_of_package, pretrained_file
from bilevel_jax.inference.windows import BUCKET, cover, padded_size, whole
from bilevel_jax.models import fusion_network
from bilevel_jax.models.fusion import parameter_shapes

TILE = 1024  # pixels: side of the largest square window
PAPER_RADIUS = 23  # receptive radius of the paper's network

# (params, ir [B,H,W,1], luma [B,H,W,1]) -> fused [B,H,W,1]; the type of a flax module's `apply` is wider than that.
Apply = Callable[..., Any]


class Fuser(ImageFuser):
    """A fusion network with its parameters, ready for images of any size.

    The image goes through the network in windows of few shapes (`inference.windows`), so images of many sizes compile
    few programs. Windows overlap by twice the network's receptive radius, so their borders leave no trace. The image is
    mirrored at its own borders by the radius, so the zeros with which convolutions pad stay out of the picture.

    Args:
        apply: (params, ir, luma) -> fused luminance; images are [B, H, W, 1], float32 in [0, 1].
        params: the parameters that `apply` takes; flax variables for a module's own `apply`.
        radius: largest distance, in pixels, at which an input pixel changes an output pixel: a fusion network's
            `receptive_radius`. None: the result depends on the whole image, which is then one window, mirrored at
            the bottom and at the right to multiples of 64 pixels.
        tile: a window has at most tile x tile pixels; a multiple of 64.
        exposure: maximum gain that is measured for a dim infrared image, on the whole of it; 1 = none.
        color: name of the method that colours the fused luminance.
        strength: share of the network's change of the visible luminance that is shown, in [0, 1].
        takes_extent: `apply` takes a fourth argument, int32 [2]: the height and width of the upper left part that the
            images are (a fusion network's `takes_extent`). So a network without a radius compiles few programs too.

    Raises:
        ValueError: `takes_extent` with a radius, `tile` is not a multiple of 64, or not greater than twice the radius.
        InputError: the colour is not in `images.color_methods.COLOR_METHODS`.
    """

    def __init__(
        self,
        apply: Apply,
        params: PyTree,
        *,
        radius: int | None = PAPER_RADIUS,
        tile: int = TILE,
        exposure: float = 1.0,
        color: str = DEFAULT_COLOR,
        strength: float = 1.0,
        takes_extent: bool = False,
    ):
        self._whole, radius = radius is None, radius or 0
        if tile % BUCKET or tile <= 2 * radius:
            raise ValueError(f"tile is {tile}; expected a multiple of {BUCKET} greater than {2 * radius}.")
        if takes_extent and not self._whole:
            raise ValueError(f"takes_extent is given with the radius {radius}; expected it for the radius None alone.")
        color_method(color)
        self.exposure, self.color, self.strength = exposure, color, strength
        self._apply = jax.jit(apply)
        self._params = jax.device_put(params)
        self._radius = radius
        self._takes_extent = takes_extent
        self._tile = tile

    @classmethod
    def from_workdir(cls, workdir: str | os.PathLike, checkpoint: str = "") -> "Fuser":
        """Returns the fusion network of a training run.

        Args:
            workdir: the run's folder.
            checkpoint: "best", "newest" or a step. "" is the best checkpoint where the run keeps one, and the newest
                otherwise.

        Raises:
            InputError: the folder is no run's folder or does not hold the checkpoint, or its network has changed since.
        """
        return cls.from_run(*load_run(workdir, checkpoint))

    @classmethod
    def from_run(cls, config: ConfigDict, state: SavedState) -> "Fuser":
        """Returns the fusion network of a run that `checkpoints.load_run` has read.

        Exposure, colour and strength are those of the run: `config.fusion.exposure`, `.color` and `.strength`.

        Raises:
            InputError: the parameters are not those of the network, such as those of an earlier version of it.
        """
        _check_parameters(config.fusion.name, state["outer_params"])
        return cls._of_network(config, state["outer_params"])

    @classmethod
    def _of_network(cls, config: ConfigDict, params: PyTree) -> "Fuser":
        fusion = config.fusion
        network = fusion_network(fusion.name)
        return cls(
            network.apply,
            params,
            radius=network.receptive_radius,
            # Earlier runs lack the keys.
            exposure=fusion.get("exposure", 1.0),
            color=fusion.get("color", DEFAULT_COLOR),
            strength=fusion.get("strength", 1.0),
            takes_extent=network.takes_extent and network.receptive_radius is None,
        )

    @classmethod
    def from_weights(cls, path: str | os.PathLike) -> "Fuser":
        """Returns the fusion network of a safetensors file that `experiments/convert.py export` wrote.

        Raises:
            InputError: the file is another one, holds no fusion network, or that of an earlier version of the network.
        """
        weights = read_weights(path)
        if "fusion" not in weights.parts:
            raise InputError(f"{path} has only {', '.join(weights.parts)}; expected the part fusion too.")
        params = weights.parts["fusion"]
        # Checking traces the network once, which takes a moment. A test checks the package's own weights instead.
        if not is_of_package(path):
            _check_parameters(weights.config.fusion.name, params)
        return cls._of_network(weights.config, params)

    @classmethod
    def pretrained(cls, name: str | None = None, folder: str | os.PathLike | None = None) -> "Fuser":
        """Returns the fusion network of weights that come with the package.

        Args:
            name: name of the weights; bilevel_jax/pretrained/NAME.md is their model card. None = the default weights.
            folder: the folder that holds NAME.safetensors; None = the package's own.

        Raises:
            InputError: no weights have that name. The message lists the names.
        """
        return cls.from_weights(pretrained_file(name, folder))

    @property
    def radius(self) -> int | None:
        """The network's receptive radius in pixels; None = the result depends on the whole image."""
        return None if self._whole else self._radius

    def network(
        self, infrared: Float[jax.Array, "b h w 1"], luma: Float[jax.Array, "b h w 1"]
    ) -> Float[jax.Array, "b h w 1"]:
        """Returns what the network alone makes of two luminance images in [0, 1], not clipped; JAX may trace it."""
        return self._apply(self._params, infrared, luma)

    def with_params(self, params: PyTree) -> "Fuser":
        """Returns the same network with other parameters; both share their compiled programs."""
        other = copy.copy(self)
        other._params = jax.device_put(params)
        return other

    def _fuse_luminance(
        self, infrared: Float32[np.ndarray, "b h w 1"], visible: Float32[np.ndarray, "b h w 1"]
    ) -> Float32[np.ndarray, "b h w 1"]:
        batch, height, width = infrared.shape[:3]
        if self._whole:
            windows = whole(height, width, few=self._takes_extent)
        else:
            windows = cover(height, width, self._radius, self._tile)
        extent = (np.array(padded_size(height, width), np.int32),) if self._takes_extent else ()
        fused = np.empty((batch, height, width, 1), np.float32)
        inside = slice(self._radius, -self._radius or None)
        for top, left in windows.places():
            pair = (windows.cut(images, top, left) for images in (infrared, visible))
            tile = np.asarray(self._apply(self._params, *pair, *extent))[:, inside, inside]
            place = fused[:, top : top + tile.shape[1], left : left + tile.shape[2]]
            place[:] = tile[:, : place.shape[1], : place.shape[2]]
        return fused


def _check_parameters(name: str, params: PyTree) -> None:
    expected, found = (
        parameter_shapes(name),
        {path: np.shape(leaf) for path, leaf in flatten_dict(params, sep="/").items()},
    )
    for path in sorted(expected.keys() | found.keys()):
        if expected.get(path) != found.get(path):
            raise InputError(
                f"The parameters are not those of today's network {name}: {path} has the shape {found.get(path)} "
                f"instead of {expected.get(path)}; expected weights of this version of the package, or the version "
                "that made these."
            )
