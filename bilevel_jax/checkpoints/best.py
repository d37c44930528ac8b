"""Which checkpoints stay: the newest ones, and the best one by a figure that was measured when it was saved.

The figures of a checkpoint are saved inside it, as checkpoints/STEP/validation (JSON). So they exist exactly as long as
the checkpoint does, even if the process is killed. Higher is better.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from orbax.checkpoint import checkpoint_managers

VALIDATION = "validation"  # name of the item of a checkpoint that holds its figures


def figures_of(workdir: Path, step: int) -> dict[str, float]:
    """Returns the figures that were measured at a checkpoint, by name; {} where none were."""
    try:
        return json.loads((workdir / "checkpoints" / str(step) / VALIDATION / "metadata").read_text())
    except (OSError, ValueError):
        return {}


def best_step(figures: Mapping[int, Mapping[str, float]], measure: str) -> int | None:
    """Returns the step with the highest figure `measure`, the earliest of equal ones, or None where none has it.

    Args:
        figures: step -> its figures by name.
        measure: name of the figure that decides.
    """
    known = [step for step in sorted(figures) if measure in figures[step]]
    return max(known, key=lambda step: figures[step][measure], default=None)


class LatestAndBest(checkpoint_managers.PreservationPolicy):
    """Orbax's policy that keeps the newest `n` checkpoints and the best one.

    Args:
        n: number of checkpoints, beside the best one.
        best_of: (steps of the checkpoints) -> the best of these steps, or None. It is asked after every save.
    """

    def __init__(self, n: int, best_of: Callable[[Sequence[int]], int | None]):
        self._n, self._best_of = n, best_of

    def should_preserve(
        self,
        checkpoints: Sequence[checkpoint_managers.PolicyCheckpointInfo],
        *,
        context: checkpoint_managers.PreservationContext,
    ) -> list[bool]:
        """Returns for each checkpoint, oldest first, whether it stays."""
        steps = [info.step for info in checkpoints]
        best = self._best_of(steps)
        return [step == best or step in steps[-self._n :] for step in steps]
