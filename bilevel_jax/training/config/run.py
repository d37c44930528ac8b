"""Keys of the run as a whole: its seed, its tasks, its length, and how it computes."""

from ml_collections import ConfigDict

from bilevel_jax.models.precision import DTYPES
from bilevel_jax.training.config.key import Key, Section, anything, at_least, expect, one_of

TASKS = ("visual", "semantic")
NONE = "none"  # the value of a block's `task` that leaves the task out
# Names that stand for something else where figures and weights are named by task.
TAKEN_NAMES = ("warm_start", "cosine", "fusion", "discriminator")

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
        "names of the tasks, in the order of their weights. `visual` is the appearance of the fused image. `semantic` "
        "is the task of config.semantic, which is left out where config.semantic.task is none. Each further NAME is "
        "the task of its own block config.NAME, which a configuration file makes with task_block and which has the "
        "keys of config.semantic",
    ),
    Key("steps", 600, at_least(0), "inner steps after the warm start. With a learned loss, outer steps"),
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
    """Refuses a list of tasks without visual and semantic, or with a task twice."""
    names = tuple(config.tasks)
    required = all(names.count(name) == 1 for name in TASKS)
    both = "visual and semantic, each once; --config.semantic.task=none leaves the semantic task out"
    expect(config, "tasks", required, both)
    twice = [name for name in names if names.count(name) > 1]
    expect(config, "tasks", not twice, f"each name once, and {', '.join(twice[:1])} is there {len(twice)} times")


def further_tasks(config: ConfigDict) -> tuple[str, ...]:
    """Returns the names in `config.tasks` that have a block of their own beside `config.semantic`, in order."""
    return tuple(name for name in config.tasks if name not in TASKS)


def semantic_tasks(config: ConfigDict) -> dict[str, ConfigDict]:
    """Returns the block of each semantic task by name, in the order of `config.tasks`.

    These are all tasks but "visual". A task whose block has `task` = none is left out.
    """
    return {name: config[name] for name in config.tasks if name != "visual" and config[name].task != NONE}


def task_names(config: ConfigDict) -> tuple[str, ...]:
    """Returns the names of the run's tasks, in order: "visual", and the names in `semantic_tasks`."""
    semantic = semantic_tasks(config)
    return tuple(name for name in config.tasks if name == "visual" or name in semantic)


SECTION = Section("The run", KEYS, check)
