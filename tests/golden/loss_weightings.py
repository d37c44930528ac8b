"""Writes loss_weightings.npz: the weights that each weighting of current losses gives along a run, in float64.

Run it where torch 2.13 and torchjd 0.18 are installed (the tests need none of them):
    python tests/golden/loss_weightings.py
The weights are the derivatives of TorchJD's scalarizers by the losses. `uw` and `imtl_l` learn their parameters by
torch's SGD. `famo` is given the next losses of the run as those after the step.
"""

from pathlib import Path

import numpy as np
import torch
import torchjd.scalarization as tj

STEPS, RATE = 12, 0.025


def losses(num_tasks):
    rng = np.random.default_rng(num_tasks)
    start = 10.0 ** np.linspace(-2, 1, num_tasks)
    return start * np.exp(np.cumsum(0.2 * rng.normal(size=(STEPS, num_tasks)) - 0.05, axis=0))


def run(scalarizer, rows, learned=False, told=False):
    """The derivatives [STEPS, K] of the scalarizer along the rows."""
    optimizer = torch.optim.SGD(scalarizer.parameters(), lr=RATE) if learned else None
    found = []
    for row in torch.tensor(rows):
        if told and found:
            scalarizer.update(row)
        values = row.clone().requires_grad_()
        scalarizer.zero_grad()
        scalarizer(values).backward()
        found.append(values.grad.numpy())
        if optimizer:
            optimizer.step()
    return np.stack(found)


def main():
    torch.set_default_dtype(torch.float64)
    arrays = {}
    for count in (1, 2, 4):
        rows, weights, ideal = losses(count), np.linspace(1, 2, count), np.linspace(0, 0.005, count)
        arrays |= {
            f"{count}/losses": rows,
            f"{count}/uw": run(tj.UW(count), rows, learned=True),
            f"{count}/imtl_l": run(tj.IMTLL(count), rows, learned=True),
            f"{count}/geometric": run(tj.GeometricMean(), rows),
            f"{count}/stch": run(tj.STCH(0.1), rows),
            f"{count}/stch_options": run(tj.STCH(0.5, torch.tensor(weights), torch.tensor(ideal)), rows),
            f"{count}/famo": run(tj.FAMO(count), rows, told=True),
            f"{count}/famo_options": run(tj.FAMO(count, torch.tensor(ideal), 0.1, 0.01), rows, told=True),
        }
    np.savez_compressed(Path(__file__).with_name("loss_weightings.npz"), **arrays)


if __name__ == "__main__":
    main()
