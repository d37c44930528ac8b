"""The configuration of a run: every key with its default, its check and its help, and the checks across keys.

Each file of this package declares the keys of one subject. A key is declared once, in one place; lists of methods and
their help come from the methods' own registries.
"""

from ml_collections import ConfigDict, FieldReference

from bilevel_jax.command_line import config_keys, nearest_key
from bilevel_jax.errors import InputError
from bilevel_jax.training.config import (
    bilevel,
    data,
    fusion,
    initial,
    learned_loss,
    optimizers,
    run,
    saving,
    semantic,
    visual,
)
from bilevel_jax.training.config.key import Key, Section, check_key
from bilevel_jax.training.config.run import TAKEN_NAMES, further_tasks, semantic_tasks, task_names
from bilevel_jax.training.config.semantic import block_keys, task_block

SECTIONS: tuple[Section, ...] = (
    run.SECTION,
    data.SECTION,
    fusion.SECTION,
    visual.SECTION,
    semantic.SECTION,
    bilevel.SECTION,
    learned_loss.SECTION,
    initial.SECTION,
    *optimizers.SECTIONS,
    saving.SECTION,
)
KEYS: dict[str, Key] = {key.name: key for section in SECTIONS for key in section.keys}
# The accepted names of every key whose values are names.
CHOICES: dict[str, tuple[str, ...]] = {
    name: tuple(key.check.choices) for name, key in KEYS.items() if key.check.choices
}

__all__ = [
    "CHOICES",
    "KEYS",
    "SECTIONS",
    "check_config",
    "completed",
    "default_config",
    "former_config",
    "semantic_tasks",
    "task_block",
    "task_names",
]


def default_config() -> ConfigDict:
    """Returns a configuration with every key that a run reads; it works on the built-in scenes.

    The configuration is not locked. Lengths of training are in steps, sizes in pixels.
    """
    config = ConfigDict()
    for name, key in KEYS.items():
        *path, last = name.split(".")
        block = config
        for part in path:
            if part not in block:
                block[part] = ConfigDict()
            block = block[part]
        # A reference to nothing takes a value of any type from the command line; a bare None takes none.
        block[last] = FieldReference(None, field_type=object) if key.default is None else key.default
    return config


def former_config() -> ConfigDict:
    """Returns what earlier versions did for the keys that they did not have yet.

    These are the defaults, except that earlier versions cut no test pairs out of the training pairs.
    """
    config = default_config()
    config.data.test_share = 0.0
    return config


def completed(config: ConfigDict) -> ConfigDict:
    """Returns an earlier run's configuration with the keys that it lacks, as `former_config` has them."""
    config = ConfigDict(config)

    def fill(given: ConfigDict, default: ConfigDict) -> None:
        for key, value in default.items():
            if key not in given:
                given[key] = value
            elif isinstance(value, ConfigDict):
                fill(given[key], value)

    with config.unlocked():
        fill(config, former_config())
        for name in further_tasks(config):
            fill(config[name], task_block())
    return config


def check_config(config: ConfigDict) -> ConfigDict:
    """Returns `config` locked.

    Raises:
        InputError: a key does not exist (the nearest one is named), a key is missing, a task has no block, a block has
            no task, or a value is not accepted.
    """
    default = default_config()
    blocks = _task_blocks(config, default)
    known = config_keys(default) + [key for name in blocks for key in (name, *(key.name for key in block_keys(name)))]
    given = config_keys(config)
    for name in given:
        if name not in known:
            if name in config and isinstance(config[name], ConfigDict) and "task" in config[name]:
                raise InputError(
                    f"config.{name} is the block of a task, and config.tasks is {tuple(config.tasks)!r}; expected "
                    f"{name} among them, or no such block."
                )
            raise InputError(f"config.{name} does not exist" + nearest_key(name, known))
    for name in known:
        if name not in given:
            raise InputError(
                f"config.{name} is missing: a configuration starts from bilevel_jax.training.config.default_config(), "
                "and the block of a further task from task_block()."
            )
    for key in (*KEYS.values(), *(key for name in blocks for key in block_keys(name))):
        check_key(config, key)
    for section in SECTIONS:
        section.check(config)
    return config.lock()


def _task_blocks(config: ConfigDict, default: ConfigDict) -> tuple[str, ...]:
    """Returns the names of the further tasks.

    Raises:
        InputError: one of them cannot be a task's name, or has no block.
    """
    if "tasks" not in config:
        return ()  # the caller names the missing key
    for name in further_tasks(config):
        if not (isinstance(name, str) and name.isidentifier()) or name in TAKEN_NAMES:
            raise InputError(
                f"config.tasks has {name!r}; expected a name of letters, digits and underscores, and none of "
                f"{', '.join(TAKEN_NAMES)}, which name other things in a run's files."
            )
        if name in default:
            raise InputError(
                f"config.tasks has {name!r}, and config.{name} is a part of every configuration; expected another name."
            )
        if name not in config or not isinstance(config[name], ConfigDict):
            raise InputError(
                f"config.tasks has {name!r}, and there is no block config.{name}; expected a configuration file with "
                f"config.{name} = task_block(task=...)."
            )
    return further_tasks(config)
