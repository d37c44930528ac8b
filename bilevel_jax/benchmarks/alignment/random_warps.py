"""Random transforms of a known kind, and infrared images that are moved by them."""

import numpy as np
from jaxtyping import Float32, Float64

from bilevel_jax.registration import Transform
from bilevel_jax.registration.search import moved, turned
from bilevel_jax.registration.transform import Size
from bilevel_jax.registration.warp import sample

SHIFT = 40.0  # pixels at most
ROTATION = np.radians(5.0)  # at most
SCALE = 1.25  # at most, and at least its inverse
SHEAR = 0.04  # at most, of an affine map: shear, and ratio of the two scales less 1
PERSPECTIVE = 0.06  # at most, of a homography: change of the scale from the middle to a border


def random_transform(kind: str, size: Size, seed: int) -> Transform:
    """Returns a transform of a visible image of this (height, width) into an infrared image of the same size."""
    random = np.random.default_rng(seed)
    distance, direction = SHIFT * np.sqrt(random.uniform()), random.uniform(0, 2 * np.pi)
    matrix = moved(distance * np.cos(direction), distance * np.sin(direction))
    if kind != "translation":
        scale = np.exp(random.uniform(-np.log(SCALE), np.log(SCALE)))
        matrix = turned(size, random.uniform(-ROTATION, ROTATION), scale) @ matrix
    if kind in ("affine", "homography"):
        matrix = matrix @ _about_the_middle(size, random.uniform(-SHEAR, SHEAR, 2), np.zeros(2))
    if kind == "homography":
        matrix = matrix @ _about_the_middle(size, np.zeros(2), random.uniform(-PERSPECTIVE, PERSPECTIVE, 2))
    return Transform(kind, matrix, size, size)


def warped(infrared: Float32[np.ndarray, "h w"], transform: Transform) -> Float32[np.ndarray, "h w"]:
    """Returns an aligned infrared image as it is after a transform; black where it has no data."""
    levels, covered = sample(infrared, np.linalg.inv(transform.matrix), transform.infrared_size)
    return np.where(covered, levels, np.float32(0))


def _about_the_middle(
    size: Size, shear: Float64[np.ndarray, " 2"], perspective: Float64[np.ndarray, " 2"]
) -> Float64[np.ndarray, "3 3"]:
    y, x = (size[0] - 1) / 2, (size[1] - 1) / 2
    change = np.array([[1 + shear[1], shear[0], 0], [0, 1, 0], [perspective[0] / x, perspective[1] / y, 1]])
    return moved(x, y) @ change @ moved(-x, -y)
