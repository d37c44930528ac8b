"""The rows of the study: how the head is trained between outer steps, and which hypergradient the fusion rule takes."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

from bilevel_jax.errors import InputError, nearest

# How the head is made before each outer step:
#   none     there is no training: the fusion rule stays where the fusion loss put it
#   solved   anew on the inner scenes, to the minimum where that has a closed form, else by T steps
#   steps    anew on the inner scenes, by T steps of gradient descent
#   start    it is left at its start, and the estimator makes the T steps itself
#   all      as `solved`, on the inner and outer scenes together
#   warm     T steps on the inner and outer scenes together, from the last outer step's head
Head = Literal["none", "solved", "steps", "start", "all", "warm"]
# What is done to the correction, the part of a hypergradient beside F_w:
#   placebo  a random direction of the same length takes its place
#   turned   its sign is turned
Change = Literal["", "placebo", "turned"]
YARDSTICK = "exact"  # the implicit function theorem where the head is solved, and all T steps unrolled where it is not


class Row(NamedTuple):
    """One way to train the fusion rule.

    Attributes:
        about: one clause for tables and the help text.
        head: how the head is made.
        estimator: a name of the package's estimators, or "exact".
        options: of the estimator. "T" stands for the number of inner steps, "rate" for their step size.
        on_all: whether the outer loss takes the inner scenes too.
        change: what is done to the correction.
        passes: a function T -> backward passes of one outer step.
    """

    about: str
    head: Head
    estimator: str = "ignore"
    options: Mapping[str, Any] = MappingProxyType({})
    on_all: bool = False
    change: Change = ""
    passes: Callable[[int], float] = lambda steps: steps + 1


CG = {"iterations": 10, "damping": 0.1}
WARM_CG = {"iterations": 2, "damping": 0.1, "warm_start": True}
NYSTROM = {"rank": 10, "damping": 0.1}
THROUGH_STEPS = {"inner_optimizer": "rate", "steps": "T"}
LAST = 5  # steps that `truncated` differentiates

ROWS: Mapping[str, Row] = MappingProxyType(
    {
        "fusion_loss": Row("the fusion loss alone, no task", "none", passes=lambda steps: 0),
        "one_level_warm": Row("one level on all scenes, the head goes on", "warm", on_all=True),
        "one_level": Row("one level on all scenes, the head anew", "all", on_all=True),
        "fusion_on_all": Row("fusion on all scenes, the head anew on its own", "solved", on_all=True),
        "ignore": Row("two levels, no correction", "solved"),
        "ignore_steps": Row("ignore, the head after T steps", "steps"),
        "one_step": Row("the paper's correction", "steps", "one_step", passes=lambda t: t + 2),
        "one_step_damped": Row(
            "the paper's correction, relative damping 1", "steps", "one_step", {"relative_damping": 1.0},
            passes=lambda t: t + 2,
        ),
        "empirical_fisher": Row("per-example gradients", "solved", "empirical_fisher", passes=lambda t: t + 3),
        "value_function": Row(
            "F2SA, two inner points", "solved", "value_function", {"step_size": "rate", "steps": "T"},
            passes=lambda t: 4 * t + 3,
        ),
        "conjugate_gradient": Row(
            "conjugate gradients, damping 0.1", "solved", "conjugate_gradient", CG, passes=lambda t: t + 1 + 2 * 11
        ),
        "warm_conjugate_gradient": Row(
            "conjugate gradients, 2 an outer step from the last solution", "solved", "conjugate_gradient", WARM_CG,
            passes=lambda t: t + 1 + 2 * 4,
        ),
        "soba": Row(
            "a linear system that takes one step an outer step", "solved", "soba", {"step_size": "rate"},
            passes=lambda t: t + 1 + 2,
        ),
        "nystrom": Row(
            "rank-10 inverse, damping 0.1", "solved", "nystrom", NYSTROM, passes=lambda t: t + 1 + 2 * 13
        ),
        "truncated": Row(
            f"the last {LAST} steps unrolled", "start", "truncated", {**THROUGH_STEPS, "backward_steps": LAST},
            passes=lambda t: t + 2 * LAST + 1,
        ),
        "unrolled": Row("all T steps unrolled", "start", "unrolled", THROUGH_STEPS, passes=lambda t: 3 * t + 1),
        "exact": Row("the exact hypergradient", "solved", YARDSTICK, passes=lambda t: 3 * t + 1),
        "placebo": Row(
            "a random correction of the exact one's length", "solved", YARDSTICK, change="placebo",
            passes=lambda t: 3 * t + 1,
        ),
        "turned": Row(
            "the exact correction with its sign turned", "solved", YARDSTICK, change="turned",
            passes=lambda t: 3 * t + 1,
        ),
    }
)  # fmt: skip
# Rows whose corrections are measured: those that have one of their own, and the one without, as a reference.
CHECKED = ("ignore", *(name for name, row in ROWS.items() if row.estimator != "ignore" and not row.change))
CONTROLS = ("ignore", "one_level", "fusion_on_all", "placebo")  # what the exact hypergradient has to beat


def chosen_rows(names: Sequence[str]) -> dict[str, Row]:
    """The rows of these names, in their order; all rows if there are no names.

    Raises:
        InputError: a name is unknown.
    """
    for name in names:
        if name not in ROWS:
            raise InputError(f"--rows: there is no row {name!r}{nearest(name, ROWS)}")
    return {name: ROWS[name] for name in names} if names else dict(ROWS)


def filled(options: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """The options of a row with its placeholders replaced by this run's values."""
    return {key: values.get(value, value) if isinstance(value, str) else value for key, value in options.items()}
