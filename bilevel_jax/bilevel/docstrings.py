"""The docstring of a method in parts: its summary, its arguments, its references."""

import inspect
import re
import textwrap
from collections.abc import Callable, Mapping

TITLES = ("Args", "Attributes", "Returns", "Raises", "Example", "References")


def summary(method: Callable[..., object]) -> str:
    """The first paragraph of a method's docstring, in one line."""
    return " ".join((inspect.getdoc(method) or "").split("\n\n")[0].split())


def arguments(method: Callable[..., object]) -> dict[str, str]:
    """The help of each argument by name, in one line, from entries `name: help` or `name, name: help` of Args."""
    found: dict[str, str] = {}
    for entry in _entries(_sections(inspect.getdoc(method) or "").get("Args", "")):
        names, _, text = entry.partition(":")
        found |= {name.strip(): " ".join(text.split()) for name in names.split(",")}
    return found


def references(method: Callable[..., object]) -> str:
    """The References section of a method's docstring, in one line."""
    return " ".join(_sections(inspect.getdoc(method) or "").get("References", "").split())


def with_arguments(method: Callable[..., object], first: Mapping[str, str], last: Mapping[str, str]) -> str:
    """A method's docstring with more entries in its Args section, except for those that it has itself.

    Args:
      method: a function with a docstring.
      first: entries by name that come before the method's own.
      last: entries by name that come after them.
    """
    text, own = inspect.getdoc(method) or "", arguments(method)
    sections = _sections(text)

    def missing(entries: Mapping[str, str]) -> list[str]:
        wrapped = [(name, textwrap.fill(f"{name}: {entry}", 112)) for name, entry in entries.items() if name not in own]
        return [entry.replace("\n", "\n  ") for _, entry in wrapped]

    entries = [*missing(first), *_entries(sections.pop("Args", "")), *missing(last)]
    lead = sections.pop("").rstrip()
    parts = {"Args": "\n".join(entries)} | sections
    return "\n\n".join([lead, *(f"{title}:\n{textwrap.indent(part, '  ')}" for title, part in parts.items())])


def _sections(text: str) -> dict[str, str]:
    """The text under each title, without its indentation; under "" what stands before the first title."""
    parts = re.split(rf"^({'|'.join(TITLES)}):\n", text, flags=re.MULTILINE)
    titled = {title: textwrap.dedent(part).rstrip() for title, part in zip(parts[1::2], parts[2::2], strict=True)}
    return {"": parts[0]} | titled


def _entries(text: str) -> list[str]:
    """The entries of an Args section, each with its indented lines."""
    return re.split(r"\n(?=\S)", text) if text else []
