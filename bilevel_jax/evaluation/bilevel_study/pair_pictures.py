"""Real pairs at their full size, fused with a rule of the study, so that eyes and judges can look at them."""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int64, UInt8

from bilevel_jax.data.sources.source import Sample
from bilevel_jax.evaluation.bilevel_study.fusion_basis import SIGMA, basis_pictures
from bilevel_jax.evaluation.bilevel_study.pair_cells import PairCells
from bilevel_jax.evaluation.bilevel_study.scene_cells import WIDTH
from bilevel_jax.images.color import fuse_color, luma
from bilevel_jax.images.files import to_float, write_image


def fused_pair(rule: Float[np.ndarray, " k"], sample: Sample) -> UInt8[np.ndarray, "h w 3"]:
    """A pair fused with a rule, with the colours of the visible picture.

    Features do not depend on the scale and the mean of a fused picture, so the rule leaves them open. They are those of
    the picture that the fusion loss aims at. The sign is the rule's.

    Args:
        rule: weights of `basis_pictures` of the pair.
        sample: the pair.
    """
    ir, vis = to_float(sample["ir"]), to_float(sample["vis"])
    visible, saliency = luma(vis), sample["saliency"].astype(np.float32) / 255
    aim = saliency * ir + (1 - saliency) * visible
    pictures = basis_pictures(ir[..., 0], visible[..., 0], SIGMA * ir.shape[1] / WIDTH)
    fused = np.tensordot(np.asarray(rule, np.float32), pictures, 1)
    fused = aim.mean() + (fused - fused.mean()) * (aim.std() / max(float(fused.std()), 1e-12))
    shown = fuse_color(fused[..., None].astype(np.float32), vis)
    return np.round(255 * shown).astype(np.uint8)


def write_pair_pictures(
    folder: str | os.PathLike, rule: Sequence[float], pairs: PairCells, chosen: Int64[np.ndarray, " n"]
) -> None:
    """Writes the chosen pairs as FOLDER/NAME.png.

    Args:
        folder: receives the pictures.
        rule: parameters as a training returns them.
        pairs: that the rule was trained on.
        chosen: places of the pairs.
    """
    Path(folder).mkdir(parents=True, exist_ok=True)
    for index in chosen:
        picture = fused_pair(np.asarray(rule) * pairs.scale, pairs.source[int(index)])
        write_image(Path(folder) / f"{pairs.source.names[index]}.png", picture)
