"""Writes weighting_table.npz: gradients of three tasks at the edges, and each weighting's update in float64.

    python tests/golden/weighting_table.py
The updates come by other means than the package's: Lawson and Hanson's method of scipy, pseudo-inverses, root finding.
"""

from pathlib import Path

import numpy as np
from scipy.optimize import brentq, nnls


def units(stack):
    norms = np.linalg.norm(stack, axis=1)
    return stack / np.where(norms > 0, norms, 1.0)[:, None], norms


def shortest(stack):
    """The shortest vector in the convex hull: Lawson and Hanson 1974, chapter 23.4, with each gradient normalised."""
    unit, norms = units(stack)
    if np.any(norms == 0):
        return 0 * stack[0]
    inverse = norms.min() / norms
    x, _ = nnls(np.vstack([unit.T, inverse]), np.r_[np.zeros(stack.shape[1]), 1.0])
    return (x * inverse) / (x @ inverse) @ stack


def in_dual_cone(stack, direction):
    """The nearest vector to a direction that conflicts with no gradient."""
    unit, _ = units(stack)
    scale = np.linalg.norm(direction) or 1.0
    x, _ = nnls(unit.T, -direction / scale)
    return direction + scale * x @ unit


def cagrad(stack, c=0.5):
    """g_w is the shortest in the hull of g_i + s g_0, less s g_0, for the s with |g_w| = c |g_0| s."""
    scale = np.abs(stack).max() or 1.0
    stack = stack / scale
    mean = stack.mean(0)
    radius = c * np.linalg.norm(mean)

    def g_w(log_s):
        return shortest(stack + np.exp(log_s) * mean) - np.exp(log_s) * mean

    def excess(log_s):
        return np.linalg.norm(g_w(log_s)) - radius * np.exp(log_s)

    if radius < 1e-12 or excess(-40.0) <= 0:  # g_w = 0
        return scale * mean
    found = g_w(brentq(excess, -40.0, 40.0, xtol=1e-13))
    return scale * (mean + radius * found / np.linalg.norm(found))


def config(stack):
    unit, norms = units(stack)
    direction = np.linalg.pinv(unit, rcond=1e-6) @ (norms > 0)
    length = np.linalg.norm(direction)
    direction = direction / length if length > 1e-6 else 0 * direction
    return np.sum(stack @ direction) * direction


def imtl_g(stack):
    """Equal projections, weights of sum 1; 0 where there are none, and no longer than the longest gradient."""
    unit, norms = units(stack)
    live = norms > 0
    if not live.any():
        return 0 * stack[0]
    direction = np.linalg.pinv(unit[live], rcond=1e-4) @ np.ones(live.sum())
    if np.abs(unit[live] @ direction - 1).max() > 1e-6:
        return 0 * stack[0]
    weights = np.linalg.lstsq(unit[live].T, direction, rcond=None)[0] / norms[live]
    update = direction / weights.sum()
    return update * min(1.0, norms.max() / np.linalg.norm(update))


def aligned_mtl(stack):
    rank = np.linalg.matrix_rank(units(stack)[0], tol=1e-6)
    if rank == 0:
        return 0 * stack[0]
    u, values, vt = np.linalg.svd(stack, full_matrices=False)
    return values[rank - 1] * (u[:, :rank].T @ np.full(len(stack), 1 / len(stack))) @ vt[:rank]


def fair(stack, alpha):
    """The w > 0 with G w = w^(-1/alpha), by damped Newton steps on y = |g| w; 0 where the gradients have none."""
    unit, norms = units(stack)
    unit, norms, power = unit[norms > 0], norms[norms > 0], 1 / alpha
    if not len(norms) or np.linalg.norm(shortest(unit)) < 1e-6:
        return 0 * stack[0]
    matrix, q = unit @ unit.T, norms ** ((power - 1) / (power + 1))
    y = q.copy()
    for _ in range(200):
        x = y / q
        step = np.linalg.solve(matrix + power * np.diag(x ** (-power - 1)), q * x**-power - matrix @ y)
        y = y + step * min(1.0, 0.5 / max(np.max(np.abs(step) / y), 1e-9))
    return y @ unit


def nash_mtl(stack):
    update = fair(stack, 1.0)
    return update / max(np.linalg.norm(update), 1.0)


def krum(stack):
    """The gradient nearest to another one, for three of them and none that is arbitrary."""
    distances = np.linalg.norm(stack[:, None] - stack[None], axis=2) + np.diag([np.inf] * len(stack))
    return stack[np.argmin(distances.min(1))]


EXACT = {
    "aligned_mtl": aligned_mtl,
    "cagrad": cagrad,
    "config": config,
    "dualproj": lambda stack: in_dual_cone(stack, stack.mean(0)),
    "excess_mtl": lambda stack: stack.mean(0),  # of the first update
    "fairgrad": lambda stack: fair(stack, 2.0),
    "imtl_g": imtl_g,
    "krum": krum,
    "mgda": shortest,
    "nash_mtl": nash_mtl,
    "trimmed_mean": lambda stack: np.median(stack, axis=0),
    "unit_norm": lambda stack: units(stack)[0].mean(0),
    "upgrad": lambda stack: np.mean([in_dual_cone(stack, g) for g in stack], axis=0),
}

# Multiples of 1/16 below 4, so that sums of two, and powers of two times them, are exact in bfloat16 too.
BASE = np.random.default_rng(3).integers(-60, 61, size=(3, 12)) / 16.0
KINDS = {
    "ordinary": BASE,
    "length 1e-30": BASE * 2.0**-100,
    "length 1e30": BASE * 2.0**100,
    "ratio 1e4": BASE * [[1.0], [2.0**-13], [1.0]],
    "ratio 1e8": BASE * [[1.0], [2.0**-27], [2.0**-13]],
    "opposed": np.stack([BASE[0], -0.5 * BASE[0], BASE[2]]),
    "parallel": np.stack([BASE[0], 2 * BASE[0], BASE[2]]),
    "one is a sum": np.stack([BASE[0], BASE[1], BASE[0] + BASE[1]]),
    "one is zero": np.stack([BASE[0], 0 * BASE[0], BASE[2]]),
    "all are zero": 0 * BASE,
    "all are equal": BASE[[0, 0, 0]],
}

if __name__ == "__main__":
    found = {f"{kind}/stack": stack for kind, stack in KINDS.items()}
    found |= {f"{kind}/{name}": exact(stack) for kind, stack in KINDS.items() for name, exact in EXACT.items()}
    np.savez_compressed(Path(__file__).with_suffix(".npz"), **found)
