"""Keys of the run as a whole: its seed, its tasks, its length, and how it computes."""

from ml_collections import ConfigDict

from bilevel_jax.models.precision import DTYPES
from bilevel_jax.training.config.key import Key, Section, anything, at_least, expect, one_of

TASKS = ("visual", "semantic")

KEYS = (
    Key(
        "seed",
        0,
        anything(),
        "seed of the initial parameters, the order of the data, the augmentation and the random weights",
    ),
    Key(
        "tasks",
        TASKS,
        anything(),
        "names of the tasks, in the order of their weights. `visual` is the appearance of the fused image, `semantic` "
        "the task of config.semantic, which is left out where config.semantic.task is none",
    ),
    Key("steps", 600, at_least(0), "inner steps after the warm start"),
    Key(
        "on_nan",
        "stop",
        one_of({"stop": "the run ends", "skip": "the step changes nothing, and ten such steps in a row end the run"}),
        "what happens where a loss is NaN or infinite",
    ),
    Key(
        "dtype",
        "float32",
        one_of(DTYPES),
        "number format inside the networks. Parameters, losses and Gramians are float32 in any case",
    ),
    Key(
        "remat",
        False,
        anything(),
        "whether the fusion network's blocks are computed a second time in the backward pass, which takes less memory "
        "and more time",
    ),
    Key(
        "accumulate",
        1,
        at_least(1),
        "number of equal parts in which a step takes its batch, one after another. The more parts, the less memory; "
        "means, rho and Gramians are those of a part",
    ),
    Key("fsdp", 1, at_least(1), "number of devices that share one copy of the state. 1 gives each device its own copy"),
)


def check(config: ConfigDict) -> None:
    """Refuses tasks that this version does not have."""
    names = tuple(config.tasks)
    unknown = [name for name in names if name not in TASKS]
    more = f"{', '.join(TASKS)}; more tasks than these two come with a later version"
    expect(config, "tasks", not unknown and len(names) <= len(TASKS), more)
    both = "visual and semantic, each once; --config.semantic.task=none leaves the semantic task out"
    expect(config, "tasks", sorted(names) == sorted(TASKS), both)


def task_names(config: ConfigDict) -> tuple[str, ...]:
    """Returns the names of the run's tasks, in order: `config.tasks` without "semantic" where that task is none."""
    return tuple(name for name in config.tasks if name != "semantic" or config.semantic.task != "none")


SECTION = Section("The run", KEYS, check)
