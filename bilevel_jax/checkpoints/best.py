"""Which checkpoints stay: the last ones, and the best one by a figure that was measured when it was saved.

The figures of a checkpoint stand in it, as checkpoints/STEP/validation (JSON): they come and go with it, whatever is
killed when. Higher is better.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from orbax.checkpoint import checkpoint_managers

VALIDATION = "validation"  # the item of a checkpoint


def figures_of(workdir: Path, step: int) -> dict[str, float]:
    """What was measured at a checkpoint, by name; {} where nothing was."""
    try:
        return json.loads((workdir / "checkpoints" / str(step) / VALIDATION / "metadata").read_text())
    except (OSError, ValueError):
        return {}


def best_step(figures: Mapping[int, Mapping[str, float]], measure: str) -> int | None:
    """Of steps with their figures, the one with the highest `measure`; the earliest of equal ones; None without any."""
    known = [step for step in sorted(figures) if measure in figures[step]]
    return max(known, key=lambda step: figures[step][measure], default=None)


class LatestAndBest(checkpoint_managers.PreservationPolicy):
    """Keeps the last `n` checkpoints, and beside them the best by `measure` ("" = none).

    Args:
        figures: step -> figures of every checkpoint; whoever saves one adds to it before.
    """

    def __init__(self, n: int, figures: Mapping[int, Mapping[str, float]], measure: str):
        self._n, self._figures, self._measure = n, figures, measure

    def should_preserve(
        self,
        checkpoints: Sequence[checkpoint_managers.PolicyCheckpointInfo],
        *,
        context: checkpoint_managers.PreservationContext,
    ) -> list[bool]:
        """For each checkpoint, oldest first, whether it stays."""
        steps = [info.step for info in checkpoints]
        best = best_step({step: self._figures.get(step, {}) for step in steps}, self._measure)
        return [step == best or step in steps[-self._n :] for step in steps]
