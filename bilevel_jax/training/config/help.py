"""The text that `train.py --config=FILE --help` prints: every key with its value, its default and its help."""

import textwrap

from ml_collections import ConfigDict

from bilevel_jax.training.config import SECTIONS
from bilevel_jax.training.config.key import Key, value_of
from bilevel_jax.training.config.run import further_tasks
from bilevel_jax.training.config.semantic import block_keys

WIDTH = 116


def config_help(config: ConfigDict) -> str:
    """Returns all keys of a configuration in groups, each with its current value and what it means.

    Args:
        config: a configuration with every key, such as a configuration file makes it.
    """
    lines = _wrapped(
        "Keys of the configuration, set by --config.KEY=VALUE. Each line shows the value that this command would use, "
        "and the default where that is another one. None is the method's own default. What a key accepts is in "
        "brackets.",
        0,
    )
    for section in SECTIONS:
        lines += ["", section.title + ":"]
        for key in section.keys:
            lines += _key_lines(config, key)
    for name in further_tasks(config):
        lines += ["", f"Task {name} (its keys mean what those of `semantic` mean):"]
        lines += [_value_line(config, key) for key in block_keys(name)]
    return "\n".join(lines)


def _value_line(config: ConfigDict, key: Key) -> str:
    value = value_of(config, key.name)
    line = f"  {key.name} = {value!r}"
    return line if value == key.default else f"{line}  (default {key.default!r})"


def _key_lines(config: ConfigDict, key: Key) -> list[str]:
    text = key.help() if callable(key.help) else key.help
    described = {name: what for name, what in key.check.choices.items() if what}
    if described:
        text += ". One of"
    elif key.check.expected:
        text = text.replace("\n", f" [{key.check.expected}]\n", 1) if "\n" in text else f"{text} [{key.check.expected}]"
    first, *items = text.splitlines()
    lines = [_value_line(config, key), *_wrapped(first, 6)]
    for item in items:
        lines += _wrapped(item.strip(), 10)
    for name in key.check.choices if described else ():
        lines += _wrapped(f"{name or repr(name)}: {described[name]}" if name in described else name, 10)
    return lines


def _wrapped(text: str, indent: int) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent=" " * indent, subsequent_indent=" " * indent)
