"""Keys of what a run logs, saves and validates."""

from ml_collections import ConfigDict

from bilevel_jax.metrics.fusion import CHOOSABLE
from bilevel_jax.training.config.key import Key, Section, anything, at_least, expect
from bilevel_jax.training.config.run import semantic_tasks

# A further task's figure has the task's name, which only a configuration knows.
FIGURES = {"": "none"} | dict.fromkeys(CHOOSABLE, "")
FIGURES |= {"semantic": "AP50 or mIoU of the semantic network; the name of a further task: that of its network"}

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
        anything()._replace(choices=FIGURES),
        "figure of the validation by which the best checkpoint is kept beside the latest ones. Commands then read the "
        "best checkpoint",
    ),
)


def check(config: ConfigDict) -> None:
    """Refuses a figure to choose by that is never measured."""
    fusion = [name for name in FIGURES if name != "semantic"]
    known = (*fusion, *semantic_tasks(config))
    listed = f"one of {', '.join(name or repr(name) for name in known)}"
    if config.keep_best == "semantic":
        listed = "a fusion measure where there is no semantic task"
    expect(config, "keep_best", config.keep_best in known, listed)
    if config.keep_best:
        expect(config, "validate_every", config.validate_every > 0, "at least 1 where config.keep_best is given")


SECTION = Section("Logs, checkpoints and validation", KEYS, check)
