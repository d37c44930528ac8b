"""How much the fused pictures resemble each camera's, so that a rule that paints labels is seen beside its score."""

import numpy as np
from jaxtyping import Float

from bilevel_jax.evaluation.bilevel_study.fusion_basis import NAMES, SIZE, symmetric_pairs


def likeness(w: Float[np.ndarray, " k"], spreads: Float[np.ndarray, "n p"]) -> dict[str, float]:
    """Correlation of the fused pictures with the visible and with the infrared ones, as a mean over scenes.

    Args:
        w: parameters of the fusion rule.
        spreads: of the scenes, as `SceneCells` has them.
    """
    k, l, _ = symmetric_pairs(SIZE)  # noqa: E741
    matrix = np.zeros((len(spreads), SIZE, SIZE))
    matrix[:, k, l] = matrix[:, l, k] = spreads
    fused = np.einsum("nkl,l->nk", matrix, w)
    variance, found = fused @ w, {}
    for camera in ("visible", "infrared"):
        place = NAMES.index(f"{camera}_one")
        found[f"like_{camera}"] = float(np.mean(fused[:, place] / np.sqrt(variance * matrix[:, place, place] + 1e-12)))
    return found
