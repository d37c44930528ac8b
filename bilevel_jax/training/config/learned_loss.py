"""Keys of a learned fusion loss: the form of its weights, and the optimizer that moves them."""

from ml_collections import ConfigDict

from bilevel_jax.errors import InputError
from bilevel_jax.losses.fusion import TERMS
from bilevel_jax.training.config import bilevel
from bilevel_jax.training.config.key import Key, Section, expect, one_of
from bilevel_jax.training.config.optimizers import optimizer_keys
from bilevel_jax.training.config.run import semantic_tasks
from bilevel_jax.training.estimators import keys_read, takes_steps
from bilevel_jax.training.learned_loss import FORMS, NONE, learns_loss

FORM = "learned_loss.form"
OF_STEPS = ("solve_steps", "solve_rate")  # an estimator that takes the fusion network's steps does not read them

KEYS = (
    Key(
        FORM,
        NONE,
        one_of(
            {NONE: "the weights of the fusion losses stay as they are given"} | {f.name: f.help for f in FORMS.values()}
        ),
        "whether the semantic tasks teach the weights of the fusion losses. One step of the run then is "
        "`bilevel.outer_every` steps of the fusion network on the weighed losses (with the optimizer `outer`), and one "
        "step of the weights on the hypergradient of the tasks' losses on other pairs. The weights multiply those in "
        "`visual`; they are never negative, and 1 on average",
    ),
    *optimizer_keys("learned_loss", "adamw", 1e-2),
)


def check(config: ConfigDict) -> None:
    """Refuses, where the loss is learned, what has no part in that problem, and an estimator that would not move it."""
    form = config.learned_loss.form
    same = len(config.learned_loss.boundaries) == len(config.learned_loss.scales)
    expect(config, "learned_loss.scales", same, "as many as learned_loss.boundaries")
    if not learns_loss(config):
        return
    where = f"where config.{FORM} is {form}"
    expect(config, "visual.loss", config.visual.loss == "none", f"none {where}, which has no discriminator")
    terms = [name for name in TERMS if config.visual[name]]
    if len(terms) < 2:
        raise InputError(f"config.visual has {len(terms)} losses with a weight; expected at least 2 {where}.")
    if FORMS[form].at_pixels:
        for name in terms:
            known = ", ".join(term.name for term in TERMS.values() if term.pixels is not None)
            has = TERMS[name].pixels is not None
            expect(
                config, f"visual.{name}", has, f"0.0 {where}, which needs losses with a value at each pixel: {known}"
            )
    expect(config, "semantic.task", bool(semantic_tasks(config)), f"a task {where}: it teaches the weights")
    level = f"False {where}, which has two levels"
    expect(config, "bilevel.single_level", not config.bilevel.single_level, level)
    added = config.bilevel.weighting in ("equal", bilevel.DEFAULT_WEIGHTING)
    expect(
        config, "bilevel.weighting", added, f"equal {where}: the tasks' losses are added up, with their outer_weight"
    )
    expect(config, "accumulate", config.accumulate == 1, f"1 {where}")
    expect(config, "log_gradients_every", config.log_gradients_every == 0, f"0 {where}")
    _check_estimator(config, where)


def _check_estimator(config: ConfigDict, where: str) -> None:
    """Refuses a correction of 0, which would be the whole hypergradient, and keys that describe other inner steps."""
    name = config.bilevel.estimator
    if "correction" in keys_read(name):
        moves = config.bilevel.correction != 0
        expect(config, "bilevel.correction", moves, f"such as 1.0 {where}: the correction is the whole hypergradient")
    if takes_steps(config):
        for key in OF_STEPS:
            steps = f"its default {bilevel.DEFAULTS[key]!r} {where}: {name} takes bilevel.outer_every steps of `outer`"
            expect(config, f"bilevel.{key}", config.bilevel[key] == bilevel.DEFAULTS[key], steps)


SECTION = Section("Learned loss (the weights of the fusion losses as outer variable)", KEYS, check)
