"""One key of the configuration: its name, its default, what it accepts, and its help text."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from ml_collections import ConfigDict

from bilevel_jax.errors import InputError


class Check(NamedTuple):
    """What a key accepts.

    Attributes:
        holds: whether a value is accepted.
        expected: the accepted values in words, for error messages and the help.
        choices: the accepted names and what each of them is ("" where the name says it); empty where the values are
            not names.
    """

    holds: Callable[[Any], bool]
    expected: str
    choices: Mapping[str, str] = {}


class Key(NamedTuple):
    """One key of the configuration.

    Attributes:
        name: the full name, such as "data.batch_size".
        default: a value of the type that the key keeps. None accepts a value of any type.
        check: what is accepted.
        help: one or two sentences, without the accepted values; a function where making the text takes time.
    """

    name: str
    default: Any
    check: Check
    help: str | Callable[[], str]


class Section(NamedTuple):
    """The keys that one file of this package declares, under the title that the help gives them.

    Attributes:
        title: what the keys are about.
        keys: in the order of the help and of config.json.
        check: raises InputError where keys contradict each other; called after every key was checked by itself.
    """

    title: str
    keys: tuple[Key, ...]
    check: Callable[[ConfigDict], None] = lambda config: None


def anything() -> Check:
    """Accepts any value; ml_collections still holds the key to the type of its default."""
    return Check(lambda value: True, "")


def at_least(least: float) -> Check:
    """Accepts numbers from `least` on."""
    return Check(lambda value: value >= least, f"at least {least}")


def more_than(bound: float) -> Check:
    """Accepts numbers above `bound`."""
    return Check(lambda value: value > bound, f"more than {bound}")


def between(low: float, high: float, expected: str = "") -> Check:
    """Accepts numbers from `low` to `high`, both included."""
    return Check(lambda value: low <= value <= high, expected or f"from {low} to {high}")


def one_of(choices: Sequence[str | int] | Mapping[str, str]) -> Check:
    """Accepts some values; a mapping says what each of them is."""
    values = tuple(choices)
    described = choices if isinstance(choices, Mapping) else {str(value): "" for value in values}
    return Check(lambda value: value in values, f"one of {', '.join(str(v) or repr(v) for v in values)}", described)


def that(holds: Callable[[Any], bool], expected: str) -> Check:
    """Accepts the values for which `holds` is true."""
    return Check(holds, expected)


def value_of(config: ConfigDict, name: str) -> object:
    """Returns the value of the key "a.b"."""
    for part in name.split("."):
        config = config[part]
    return config


def expect(config: ConfigDict, name: str, holds: bool, expected: str) -> None:
    """Raises InputError with the key's name, its value and what is expected, unless `holds`."""
    if not holds:
        raise InputError(f"config.{name} is {value_of(config, name)!r}; expected {expected}.")


def check_key(config: ConfigDict, key: Key) -> None:
    """Raises InputError where a configuration's value of `key` is not accepted."""
    try:
        holds = key.check.holds(value_of(config, key.name))
    except TypeError:  # a value of another type, such as a text where a number belongs
        holds = False
    expect(config, key.name, holds, key.check.expected)
