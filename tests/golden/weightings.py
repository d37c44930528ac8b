"""Writes weightings.npz: task gradients and the update that each weighting has to make of them, in float64.

Run it where torch 2.13, torchjd 0.18 and scipy are installed (the tests need none of them):
    python tests/golden/weightings.py
TorchJD where it is exact; where it is not (mgda stops early, upgrad and dualproj add 1e-4 I, cagrad and nash_mtl stop
at their solvers' tolerances) the optimum by scipy in float64. Random orders and draws are given, and stored beside.
"""

from pathlib import Path

import numpy as np
import torch
import torchjd.aggregation as tj
from scipy.optimize import minimize, nnls

TASKS, SIZE = (1, 2, 3, 8), 12


def gradients(kind, num_tasks, rng):
    stack = rng.normal(size=(num_tasks, SIZE))
    if kind == "conflicting":  # every pair disagrees on the whole
        stack -= 1.3 * stack.mean(0) if num_tasks > 1 else 0
    if kind == "parallel":
        stack = np.outer(rng.uniform(0.5, 2, num_tasks), stack[0])
    if kind == "zero":
        stack *= 0
    if kind == "one_zero":
        stack[0] *= 0
    if kind == "scaled":
        stack *= 10.0 ** np.linspace(-8, 8, num_tasks)[:, None] if num_tasks > 1 else 1e8
    if kind == "deficient" and num_tasks > 2:
        stack[-1] = stack[0] + 0.5 * stack[1]
    return stack


KINDS = ("random", "conflicting", "parallel", "zero", "one_zero", "scaled", "deficient")


def shortest(stack):
    """Lawson-Hanson in units of the shortest gradient, columns normalised: the scales do not matter."""
    norms = np.linalg.norm(stack, axis=1)
    if np.any(norms == 0):
        return 0 * stack[0]
    inverse = norms.min() / norms
    unit = stack / norms[:, None]
    x, _ = nnls(np.vstack([unit.T, inverse]), np.r_[np.zeros(SIZE), 1.0], maxiter=10_000)
    weights = x * inverse
    return weights / weights.sum() @ stack


def into_dual_cone(stack, direction):
    norms = np.linalg.norm(stack, axis=1)
    unit = stack / np.where(norms > 0, norms, 1)[:, None]
    scale = np.linalg.norm(direction) or 1.0
    x, _ = nnls(unit.T, -direction / scale, maxiter=10_000)
    return direction + scale * x @ unit


def cagrad(stack, c):
    mean = stack.mean(0)
    radius = c * np.linalg.norm(mean)
    scale = np.abs(stack @ stack.T).max() or 1.0

    def objective(logits):
        w = np.exp(logits - logits.max())
        w /= w.sum()
        return (w @ stack @ mean + radius * np.linalg.norm(w @ stack)) / scale

    if len(stack) == 1 or not np.any(stack):
        return (1 + c) * mean
    best = min(
        (
            minimize(
                lambda w: (w @ stack @ mean + radius * np.linalg.norm(w @ stack)) / scale,
                start,
                method="SLSQP",
                bounds=[(0, 1)] * len(stack),
                constraints={"type": "eq", "fun": lambda w: w.sum() - 1},
                options={"ftol": 1e-16, "maxiter": 2000},
            )
            for start in [np.full(len(stack), 1 / len(stack)), *np.eye(len(stack)) * 0.9 + 0.1 / len(stack)]
        ),
        key=lambda result: result.fun,
    )
    w = np.maximum(best.x, 0) / np.maximum(best.x, 0).sum()
    length = np.linalg.norm(w @ stack)
    return mean + (radius / length if length > 1e-9 * np.linalg.norm(stack) else 0.0) * w @ stack


def fair(stack, alpha):
    """G w = w^(-1/alpha) by Newton's method in float64 on y = |g| w, from several hundred damped steps."""
    norms = np.linalg.norm(stack, axis=1)
    live = norms > 0
    if not live.any():
        return 0 * stack[0]
    unit, norms, beta = stack[live] / norms[live, None], norms[live], 1 / alpha
    cosines = unit @ unit.T
    q = norms ** ((beta - 1) / (beta + 1))
    y = q.copy()
    for _ in range(500):
        x = y / q
        step = np.linalg.solve(cosines + beta * np.diag(x ** (-beta - 1)), q * x**-beta - cosines @ y)
        y = y + min(1.0, 0.5 / np.max(np.abs(step) / y)) * step
    return y @ unit


def torch_update(aggregator, *stacks):
    for stack in stacks:
        update = aggregator(torch.tensor(stack))
    return update.numpy()


def with_orders(stack, order):
    """TorchJD's pcgrad with the order of the tasks given, the same for every task."""
    original = torch.randperm
    torch.randperm = lambda n: torch.tensor(order)
    try:
        return torch_update(tj.PCGrad(), stack)
    finally:
        torch.randperm = original


def with_uniforms(stack, uniforms):
    original = torch.rand
    torch.rand = lambda *_, **__: torch.tensor(uniforms)
    try:
        return np.nan_to_num(torch_update(tj.GradDrop(), stack))
    finally:
        torch.rand = original


def main():
    rng, found = np.random.default_rng(0), {}
    for kind in KINDS:
        for num_tasks in TASKS:
            stack = gradients(kind, num_tasks, rng)
            mean = stack.mean(0)
            preference = np.linspace(1, 2, num_tasks)
            order, uniforms = rng.permutation(num_tasks), rng.uniform(size=SIZE)
            later = gradients(kind, num_tasks, rng)
            case = {
                "stack": stack,
                "later": later,
                "preference": preference,
                "order": order,
                "uniforms": uniforms,
                "equal": torch_update(tj.Mean(), stack),
                "fixed": torch_update(tj.Constant(torch.tensor(preference)), stack),
                "mgda": shortest(stack),
                "dualproj": into_dual_cone(stack, mean),
                "dualproj_preference": into_dual_cone(stack, preference @ stack),
                "upgrad": np.mean([into_dual_cone(stack, g) for g in stack], axis=0),
                "upgrad_preference": np.sum(
                    [into_dual_cone(stack, p * g) for p, g in zip(preference, stack, strict=True)], axis=0
                ),
                "cagrad": cagrad(stack, 0.5),
                "config": torch_update(tj.ConFIG(), stack),
                "config_preference": torch_update(tj.ConFIG(torch.tensor(preference)), stack),
                "imtl_g": torch_update(tj.IMTLG(), stack),
                "aligned_mtl_min": torch_update(tj.AlignedMTL(scale_mode="min"), stack),
                "aligned_mtl_median": torch_update(tj.AlignedMTL(scale_mode="median"), stack),
                "aligned_mtl_rmse": torch_update(tj.AlignedMTL(scale_mode="rmse"), stack),
                "nash_mtl": fair(stack, 1.0),
                "fairgrad": fair(stack, 2.0),
                "pcgrad": with_orders(stack, order),
                "graddrop": with_uniforms(stack, uniforms),
                "excess_mtl": torch_update(tj.ExcessMTL(n_warmup_steps=1), stack, later),
            }
            if num_tasks <= 2:
                case["gradvac"] = torch_update(tj.GradVac(beta=0.5), stack, later)
            if num_tasks >= 3:
                case["trimmed_mean"] = torch_update(tj.TrimmedMean(1), stack)
            if num_tasks >= 4:
                case["krum"] = torch_update(tj.Krum(1, 2), stack)
            found |= {f"{kind}/{num_tasks}/{name}": value for name, value in case.items()}
    np.savez_compressed(Path(__file__).with_name("weightings.npz"), **found)


if __name__ == "__main__":
    main()
