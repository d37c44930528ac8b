"""Keys of what a run logs, saves and validates."""

from ml_collections import ConfigDict

from bilevel_jax.metrics.fusion import CHOOSABLE
from bilevel_jax.training.config.key import Key, Section, at_least, expect, one_of

KEYS = (
    Key("log_every", 1, at_least(1), "steps from one line of metrics.jsonl to the next"),
    Key(
        "log_gradients_every",
        0,
        at_least(0),
        "steps from one record of the norms and cosines of the tasks' hypergradients to the next, taken at outer "
        "steps. Each record costs extra backward passes. 0 = never",
    ),
    Key("checkpoint_every", 200, at_least(1), "steps from one checkpoint to the next"),
    Key("sheet_every", 200, at_least(0), "steps from one picture sheet to the next. 0 = none"),
    Key("keep_checkpoints", 2, at_least(1), "number of latest checkpoints that are kept"),
    Key(
        "validate_every",
        0,
        at_least(0),
        "steps from one validation to the next: val pairs are fused and measured, and the semantic network is applied "
        "to them. 0 = never",
    ),
    Key("validate_pairs", 32, at_least(0), "number of val pairs in a validation, spread evenly over val. 0 = all"),
    Key(
        "keep_best",
        "",
        one_of({"": "none"} | dict.fromkeys(CHOOSABLE, "") | {"semantic": "AP50 or mIoU of the semantic network"}),
        "figure of the validation by which the best checkpoint is kept beside the latest ones. Commands then read the "
        "best checkpoint",
    ),
)


def check(config: ConfigDict) -> None:
    """Refuses a figure to choose by that is never measured."""
    if config.keep_best:
        expect(config, "validate_every", config.validate_every > 0, "at least 1 where config.keep_best is given")
    if config.semantic.task == "none":
        known = config.keep_best != "semantic"
        expect(config, "keep_best", known, "a fusion measure where there is no semantic task")


SECTION = Section("Logs, checkpoints and validation", KEYS, check)
