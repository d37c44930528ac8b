"""A fusion rule that is linear in its few parameters: u = sum over k of w_k b_k, with fixed pictures b_k of the pair.

The pictures are the infrared and the visible luminance, each times local statistics of the pair. A pixel's weights of
the two cameras are then functions of what is near it, as in a small fusion network, and everything quadratic in u can
be computed once for all w.
"""

import numpy as np
from jaxtyping import Float, Float32
from scipy import ndimage

SIGMA = 4.0  # pixels: the neighbourhood of the local statistics
STATISTICS = ("one", "visible_mean", "visible_deviation", "infrared_mean", "infrared_deviation")
NAMES = tuple(f"{camera}_{name}" for camera in ("infrared", "visible") for name in STATISTICS)
SIZE = len(NAMES)  # K, the number of parameters of the fusion rule


def basis_pictures(
    ir: Float[np.ndarray, "h w"], luma: Float[np.ndarray, "h w"], sigma: float = SIGMA
) -> Float32[np.ndarray, "k h w"]:
    """The K pictures that the fused luminance is a weighted sum of, each with mean 0.

    Args:
        ir: infrared picture in [0, 1].
        luma: luminance of the visible picture in [0, 1].
        sigma: neighbourhood of the local statistics, in pixels.
    """
    statistics = [np.ones_like(ir)]
    for picture in (luma, ir):
        mean = ndimage.gaussian_filter(picture, sigma)
        spread = np.sqrt(np.maximum(ndimage.gaussian_filter(picture**2, sigma) - mean**2, 0.0))
        statistics += [mean, spread]
    pictures = np.stack([s * picture for picture in (ir, luma) for s in statistics])
    return (pictures - pictures.mean((1, 2), keepdims=True)).astype(np.float32)


def symmetric_pairs(size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The places (k, l), k <= l, of the upper triangle of a symmetric matrix, and how often each one counts (1 or 2).

    A quadratic form w^T C w is then the sum of counts * C[k, l] * w[k] * w[l].
    """
    k, l = np.triu_indices(size)  # noqa: E741
    return k, l, np.where(k == l, 1.0, 2.0).astype(np.float32)
