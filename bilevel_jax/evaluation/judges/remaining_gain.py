"""How much of an input's gain over a reference remains after a small disturbance of both pictures."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from bilevel_jax.evaluation.bootstrap import interval
from bilevel_jax.evaluation.judges.disturbances import Disturbance
from bilevel_jax.evaluation.judges.relative_gain import Drawn, Figures, relative_gain

NAN = float("nan")


class Remaining(NamedTuple):
    """What remains of a gain. A gain is (input - reference) / reference, the mean over judges and sets.

    Attributes:
        gain: of the undisturbed input over the undisturbed reference; NaN where it is undefined.
        after: of the disturbed input over the equally disturbed reference; NaN where it is undefined.
        share: after / gain; NaN where the gain is not above 0.
        bounds: bootstrap 95 % interval of the share. It is NaN unless the interval of the gain lies above 0: else the
            share divides by gains around 0.
        without_gain: how many bootstrap samples are left out of the interval because the gain is not above 0 there.
    """

    gain: float
    after: float
    share: float = NAN
    bounds: tuple[float, float] = (NAN, NAN)
    without_gain: int = 0


def remaining_gains(
    cells: Sequence[Mapping[str, Figures]], reference: str, after: Sequence[Disturbance]
) -> dict[str, dict[str, dict[str, Remaining]]]:
    """Returns row -> disturbance -> figure -> what remains, for all undisturbed rows but the reference.

    Args:
        cells: row -> figures of each judge and set, which share the bootstrap samples of a set.
        reference: the row that is compared with.
        after: the disturbances.
    """
    disturbed = {change.row(row) for change in after for row in cells[0]}
    rows = [row for row in cells[0] if row != reference and row not in disturbed]
    return {
        row: {
            str(change): {
                figure: _remaining(
                    [
                        (
                            relative_gain(own[row][figure], own[reference][figure]),
                            relative_gain(own[change.row(row)][figure], own[change.row(reference)][figure]),
                        )
                        for own in cells
                    ]
                )
                for figure in cells[0][row]
            }
            for change in after
        }
        for row in rows
    }


def _remaining(pairs: Sequence[tuple[Drawn, Drawn]]) -> Remaining:
    """What remains by the mean gains before and after, of those judges and sets that have both."""
    known = [both for both in pairs if not np.isnan([both[0][0], both[1][0]]).any()]
    if not known:
        return Remaining(NAN, NAN)
    gain, after = (np.mean(own, axis=0) for own in zip(*known, strict=True))
    result = Remaining(float(gain[0]), float(after[0]))
    if gain[0] <= 0:
        return result
    share = np.divide(after, gain, out=np.full(len(gain), np.nan), where=gain > 0)
    result = result._replace(share=float(share[0]))
    if not interval(gain[1:])[0] > 0:
        return result
    return result._replace(bounds=interval(share[1:]), without_gain=int((gain[1:] <= 0).sum()))
