"""The target of the visual task, made of both sources, and the distance to it.

Liu et al., "Bi-level Dynamic Learning for Jointly Multi-modality Image Fusion and Beyond", IJCAI 2023: the visual
objective is L1(u, t) + 1.1 (1 - SSIM(u, t)) with t = m x + (1 - m) y_Y.
"""

import chex
import jax
import jax.numpy as jnp


def saliency_target(ir: jax.Array, luma: jax.Array, saliency: jax.Array) -> jax.Array:
    """The target t = m x + (1 - m) y_Y of the visual task.

    Args:
        ir: infrared image x, [B, H, W, 1] in [0, 1].
        luma: luminance y_Y of the visible image, [B, H, W, 1] in [0, 1].
        saliency: weight m of the infrared image, [B, H, W, 1] in [0, 1].

    Returns:
        The target, [B, H, W, 1] in [0, 1].
    """
    chex.assert_rank([ir, luma, saliency], 4)
    chex.assert_equal_shape([ir, luma, saliency])
    return saliency * ir + (1.0 - saliency) * luma


def bright_target(ir: jax.Array, luma: jax.Array, saliency: jax.Array) -> jax.Array:
    """The visible image, raised where the infrared one is salient AND brighter: t = y_Y + m max(x - y_Y, 0).

    Histogram contrast calls a cold patch as salient as a hot one, and in a dim infrared image the saliency-weighted
    target then paints dark stains on a well-lit road. Here heat shows and nothing is darkened. Shapes and ranges as in
    `saliency_target`.
    """
    chex.assert_rank([ir, luma, saliency], 4)
    chex.assert_equal_shape([ir, luma, saliency])
    return luma + saliency * jnp.maximum(ir - luma, 0.0)


TARGETS = {"saliency": saliency_target, "bright": bright_target}


def l1(fused: jax.Array, target: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Absolute difference, summed over all pixels; the normaliser is the number of pixels. [B, H, W, 1] each."""
    chex.assert_equal_shape([fused, target])
    return jnp.sum(jnp.abs(fused - target)), jnp.float32(fused.size)
