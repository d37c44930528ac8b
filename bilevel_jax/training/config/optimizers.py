"""Keys of the optimizers: warm start, fusion network, inner networks, and the table's networks."""

from typing import Any

from ml_collections import ConfigDict

from bilevel_jax.training.config.key import Check, Key, Section, anything, at_least, between, expect, one_of

KINDS = {
    "sgd": "momentum, and weight decay in the gradient, as in the paper",
    "adamw": "weight decay apart from the gradient",
}
LEARN_FROM = {
    "all": "every training pair",
    "inner": "the pairs of the inner part, which data.inner_where and data.inner_labels choose",
}
WARM_START, OUTER, INNER, ROWS = OPTIMIZERS = ("warm_start", "outer", "inner", "rows")


def optimizer_keys(block: str, name: str, learning_rate: float) -> tuple[Key, ...]:
    """Returns the keys of one optimizer.

    Args:
        block: where they are, such as "outer".
        name: the default kind.
        learning_rate: the default base rate.
    """

    def key(name: str, default: Any, check: Check, text: str) -> Key:
        return Key(f"{block}.{name}", default, check, text)

    return (
        key("name", name, one_of(KINDS), "kind of the optimizer"),
        key("learning_rate", learning_rate, at_least(0), "base learning rate"),
        key("momentum", 0.9, anything(), "momentum of sgd, first decay rate of adamw"),
        key("weight_decay", 1e-4, anything(), "factor of the weight decay"),
        key("warm_up_steps", 0, anything(), "steps over which the learning rate rises linearly from 0"),
        key("boundaries", (), anything(), "steps of this optimizer at which the learning rate changes"),
        key("scales", (), anything(), "factors of the base learning rate from each of the boundaries on"),
        key("clip_norm", 0.0, anything(), "largest global norm of a gradient; longer ones are shortened. 0 = any"),
    )


def check(config: ConfigDict) -> None:
    """Refuses a schedule whose boundaries and scales are not equally many."""
    for name in OPTIMIZERS:
        same = len(config[name].boundaries) == len(config[name].scales)
        expect(config, f"{name}.scales", same, f"as many as {name}.boundaries")


SECTIONS = (
    Section(
        "Warm start (the fusion network alone on the visual losses, without a discriminator)",
        (
            *optimizer_keys(WARM_START, "adamw", 2e-3),
            Key("warm_start.steps", 200, at_least(0), "number of steps"),
        ),
    ),
    Section("Optimizer of the fusion network (on the combined hypergradients)", optimizer_keys(OUTER, "adamw", 5e-4)),
    Section("Optimizer of the discriminator and of the semantic network", optimizer_keys(INNER, "adamw", 1e-3)),
    Section(
        "Networks of the table (a fresh semantic network for each kind of input)",
        (
            *optimizer_keys(ROWS, "adamw", 2e-3),
            Key("rows.steps", 400, at_least(0), "number of training steps of each network. 0 = no such networks"),
            Key("rows.batch_size", 8, at_least(1), "number of crops in a batch"),
            Key(
                "rows.balance",
                0.0,
                between(0, 1),
                "share of the samples of these networks that are drawn class by class, as data.balance draws those of "
                "the run, which these networks do not follow. data.balance_classes names the classes. 0 = each pair "
                "once an epoch, so that networks of two runs learn from the same samples",
            ),
            Key(
                "rows.learn_from",
                "all",
                one_of(LEARN_FROM),
                "which training pairs these networks, and those of downstream.py, learn from",
            ),
        ),
        check,
    ),
)
