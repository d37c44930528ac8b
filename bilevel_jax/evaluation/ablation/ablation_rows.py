"""The rows of the ablation and what each of them changes in a base configuration."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ml_collections import ConfigDict

from bilevel_jax.bilevel import WEIGHTINGS as REGISTERED
from bilevel_jax.errors import InputError
from bilevel_jax.evaluation.ablation.part_rows import part_rows, without_discriminator
from bilevel_jax.metrics.figure import MAIN_TASK
from bilevel_jax.training.config import check_config, default_config, semantic_tasks
from bilevel_jax.training.estimators import KEYS

SHARES = {"screen": 0.25, "final": 1.0}  # stage -> share of the steps of the base configuration

# Row -> description and keys of `config.bilevel`. Keys that are not named have their defaults.
ESTIMATORS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "ignore": ("alternating, without a correction", {"estimator": "ignore"}),
    "one_step": ("the paper: correction 1", {"estimator": "one_step", "correction": 1.0}),
    "one_step_0.1": ("correction 0.1", {"estimator": "one_step", "correction": 0.1}),
    "one_step_relative": (
        "correction 1, relative damping 1: rho at most 1/2",
        {"estimator": "one_step", "correction": 1.0, "relative_damping": 1.0},
    ),
    "empirical_fisher": (
        "per-example gradients, rank B",
        {"estimator": "empirical_fisher", "correction": 1.0, "relative_damping": 0.1},
    ),
    "f2sa": (
        "two points, three gradient steps each",
        {"estimator": "value_function", "solve_steps": 3, "solve_rate": 0.02, "multiplier": 10.0},
    ),
}
ALL_WEIGHTINGS = ("equal", "random", "dwa", "mgda", "upgrad", "cagrad", "nash_mtl", "famo")
WEIGHTINGS = tuple(name for name in ALL_WEIGHTINGS if name in REGISTERED)
JOINT = {"estimator": "ignore", "single_level": True, "outer_every": 1, "weighting": "equal"}
BASE = "base"  # the row of a configuration without an inner problem, whose estimator does not matter


class Row(NamedTuple):
    """One row.

    Attributes:
        name: the row's name, also of its folder.
        about: what the row changes.
        config: its whole configuration, checked and locked.
        same: names of other rows with the same configuration, which are left out.
    """

    name: str
    about: str
    config: ConfigDict
    same: tuple[str, ...] = ()


def has_inner_problem(base: ConfigDict) -> bool:
    """Whether a configuration trains any network beside the fusion network: a semantic one or a discriminator."""
    return has_discriminator(base) or any(block.trainable for block in semantic_tasks(base).values())


def has_discriminator(base: ConfigDict) -> bool:
    """Whether a configuration has a discriminator."""
    return base.visual.loss != "none"


def ablation_rows(base: ConfigDict, estimator: str = "ignore", share: float = 1.0) -> dict[str, Row]:
    """All rows by name. Of several rows with the same configuration only the first is kept.

    Rows of estimators, of one level and of the discriminator are made where there is an inner problem, or a
    discriminator. A configuration without an inner problem has the row `BASE` in their place.

    Args:
        base: the configuration that the rows change; it has a semantic task. With several, a row `no_TASK` leaves out
            each one but `semantic`.
        estimator: the row of `ESTIMATORS` whose estimator the rows of weightings and the rows without a part use, where
            there is an inner problem.
        share: share of the base's steps after the warm start. Boundaries of the learning rates are scaled too.

    Raises:
        InputError: the base has no semantic task, the estimator is unknown, or a further task has the name of a part.
    """
    if estimator not in ESTIMATORS:
        raise InputError(f"--estimator={estimator} is unknown; expected one of {', '.join(ESTIMATORS)}.")
    tasks = list(semantic_tasks(base))
    if not tasks:
        raise InputError("config.semantic.task is none; expected a task, because the rows show what it is worth.")
    inner = has_inner_problem(base)
    unchanged, chosen = (estimator, _bilevel(ESTIMATORS[estimator][1])) if inner else (BASE, {})
    alone = {f"{task}.task": "none" for task in tasks}
    plan = _level_rows(base, alone) if inner else {BASE: ("the configuration as it is", {})}
    plan |= {
        f"{unchanged}+{weighting}": (f"{unchanged}, weighting {weighting}", chosen | {"bilevel.weighting": weighting})
        for weighting in WEIGHTINGS
    }
    if inner:
        released = {"estimator": "one_step", "correction": -base.outer.learning_rate, "weighting": "equal"}
        about = "as released: correction -eta, one gradient buffer (see training/estimators.py)"
        plan["released"] = (about, _bilevel(released))
    if has_discriminator(base):
        plan["no_discriminator"] = (f"{unchanged}, discriminator off", chosen | without_discriminator(base))
    off = "semantic task off" if len(tasks) == 1 else "all semantic tasks off"
    plan["no_semantic"] = (f"{unchanged}, {off}", chosen | alone)
    plan |= {
        f"no_{task}": (f"{unchanged}, task {task} off", chosen | {f"{task}.task": "none"})
        for task in tasks
        if task != MAIN_TASK and len(tasks) > 1
    }
    for name, (about, changes) in part_rows(base).items():
        if name in plan:
            raise InputError(
                f"config.tasks has {name.removeprefix('no_')!r}, and the row {name} takes away a part of that name; "
                "expected another name of the task."
            )
        plan[name] = (f"{unchanged}, {about}", {**chosen, **changes})
    return _without_repetition(base, plan, share)


def base_row(base: ConfigDict, estimator: str = "ignore") -> str:
    """The name of the row that the rows without a part are changed from."""
    return estimator if has_inner_problem(base) else BASE


def _level_rows(base: ConfigDict, alone: Mapping[str, Any]) -> dict[str, tuple[str, Mapping[str, Any]]]:
    """The rows without semantic tasks, of one level, and of each estimator."""
    fusion_only = {**alone, **without_discriminator(base), **_bilevel(ESTIMATORS["ignore"][1])}
    plan: dict[str, tuple[str, Mapping[str, Any]]] = {
        "fusion_only": ("fusion loss alone", fusion_only),
        "joint": ("one level: all networks on the sum of the losses, at every step", _bilevel(JOINT)),
    }
    return plan | {name: (about, _bilevel(changes)) for name, (about, changes) in ESTIMATORS.items()}


def _without_repetition(
    base: ConfigDict, plan: Mapping[str, tuple[str, Mapping[str, Any]]], share: float
) -> dict[str, Row]:
    rows: dict[str, Row] = {}
    same: dict[str, str] = {}  # configuration -> the first row that has it
    for name, (about, changes) in plan.items():
        config = _changed(base, changes, share)
        first = same.setdefault(config.to_json(), name)
        if first == name:
            rows[name] = Row(name, about, config)
        else:
            rows[first] = rows[first]._replace(same=(*rows[first].same, name))
    return rows


def chosen_rows(rows: Mapping[str, Row], names: Sequence[str]) -> dict[str, Row]:
    """The rows of these names, in the order of the table; all rows if there are no names.

    A row of a weighting may be called by the weighting alone ("mgda").

    Raises:
        InputError: there is no row of that name.
    """
    found = {alias: name for name, row in rows.items() for alias in (name, *row.same)}
    found = {alias.rsplit("+", 1)[-1]: name for alias, name in found.items()} | found
    for name in names:
        if name not in found:
            raise InputError(f"--rows has {name!r}; expected some of {', '.join(rows)}.")
    wanted = {found[name] for name in names} or set(rows)
    return {name: row for name, row in rows.items() if name in wanted}


def shortened(optimizer: ConfigDict, factor: float) -> None:
    """Scales the boundaries and the warm-up steps of a learning rate by `factor`, in place."""
    optimizer.boundaries = tuple(max(1, round(factor * boundary)) for boundary in optimizer.boundaries)
    optimizer.warm_up_steps = round(factor * optimizer.warm_up_steps)


def _bilevel(changes: Mapping[str, Any]) -> dict[str, Any]:
    """Changes of `config.bilevel` as keys of a configuration. All other options of estimators get their defaults."""
    default = default_config().bilevel
    options = {**{key: default[key] for key in KEYS}, **changes}
    return {f"bilevel.{key}": value for key, value in options.items()}


def _changed(base: ConfigDict, changes: Mapping[str, Any], share: float) -> ConfigDict:
    config = ConfigDict(base.to_dict())
    config.steps = round(share * config.steps)
    for optimizer in (config.inner, config.outer):
        shortened(optimizer, share)
    every = config.bilevel.outer_every
    config.update_from_flattened_dict(changes)
    if config.bilevel.outer_every != every:  # the boundaries of the outer optimizer count outer steps
        shortened(config.outer, every / config.bilevel.outer_every)
    _clear_unread(config, base)
    return check_config(config)


def _clear_unread(config: ConfigDict, base: ConfigDict) -> None:
    """Sets keys of the base that belong to what the row has not to their defaults, in place."""
    for kind in ("estimator", "weighting"):
        if config.bilevel[kind] != base.bilevel[kind]:
            for option in config.bilevel[f"{kind}_options"]:
                config.bilevel[f"{kind}_options"][option] = None
    if config.visual.loss == "none":
        config.visual.restart = 0
    if config.keep_best in config.tasks and config.keep_best not in semantic_tasks(config):
        config.keep_best = ""
