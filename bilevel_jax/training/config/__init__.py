"""The configuration of a run: every key with its default, its check and its help, and the checks across keys.

Each file of this package declares the keys of one subject. A key is declared once, in one place; lists of methods and
their help come from the methods' own registries.
"""

from ml_collections import ConfigDict, FieldReference

from bilevel_jax.command_line import config_keys, nearest_key
from bilevel_jax.errors import InputError
from bilevel_jax.training.config import bilevel, data, fusion, initial, optimizers, run, saving, semantic, visual
from bilevel_jax.training.config.key import Key, Section, check_key
from bilevel_jax.training.config.run import task_names

SECTIONS: tuple[Section, ...] = (
    run.SECTION,
    data.SECTION,
    fusion.SECTION,
    visual.SECTION,
    semantic.SECTION,
    bilevel.SECTION,
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
    return config


def check_config(config: ConfigDict) -> ConfigDict:
    """Returns `config` locked.

    Raises:
        InputError: a key does not exist (the nearest one is named), a key is missing, or a value is not accepted.
    """
    known, given = config_keys(default_config()), config_keys(config)
    for name in given:
        if name not in known:
            raise InputError(f"config.{name} does not exist" + nearest_key(name, known))
    for name in known:
        if name not in given:
            raise InputError(
                f"config.{name} is missing: a configuration starts from bilevel_jax.training.config.default_config()."
            )
    for key in KEYS.values():
        check_key(config, key)
    for section in SECTIONS:
        section.check(config)
    return config.lock()
