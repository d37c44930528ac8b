"""Docstrings in Google's style as Markdown: sections and lists are kept, and prose is escaped."""

import re
from collections.abc import Iterator

SECTIONS = ("Args", "Attributes", "Returns", "Yields", "Raises", "References", "Example", "Examples", "Note", "Notes")
NAMED_ITEM = re.compile(r"(\*{0,2}[\w.]+(?:, \*{0,2}[\w.]+)*): (.*)", re.DOTALL)
LIST_ITEM = re.compile(r"(- |\d+\. )(.*)", re.DOTALL)


def docstring(text: str) -> str:
    """Returns a docstring, dedented as `ast.get_docstring` gives it, as Markdown.

    `Args:` and its like become bold titles, lines of `name: text` under them lists, `>>>` examples and other indented
    text blocks of code.
    """
    section, parts = "", []
    for block in blocks(text):
        title = block[0].removesuffix(":")
        if is_title(block[0]):
            section = title
            parts.append(f"**{title}**")
            block = block[1:]
        elif indent(block[0]) == 0:
            section = ""
        if block:
            parts.append(rendered(block, section))
    return "\n\n".join(parts)


def escaped(text: str) -> str:
    """Returns prose whose only markup is code in backticks."""
    parts = re.split(r"(`+[^`]+`+)", text)
    return "".join(
        part if index % 2 else re.sub(r"([\\*_\[\]<>#$~^|{}`])", r"\\\1", part) for index, part in enumerate(parts)
    )


def blocks(text: str) -> Iterator[list[str]]:
    """Paragraphs; where indented lines follow a line that is not, they are a paragraph of their own."""
    block: list[str] = []
    for line in text.splitlines():
        line = line.rstrip()
        if block and (not line or starts_a_block(line, block)):
            yield block
            block = []
        if line:
            block.append(line)
    if block:
        yield block


def starts_a_block(line: str, block: list[str]) -> bool:
    if is_title(line):
        return True
    if is_title(block[0]) or LIST_ITEM.match(block[0]):
        return False
    return (indent(line) > 0) != (indent(block[0]) > 0)


def is_title(line: str) -> bool:
    return line.endswith(":") and line[:-1] in SECTIONS


def indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def rendered(block: list[str], section: str) -> str:
    """One paragraph: an example, a list, a block of code, or prose."""
    least = min(indent(line) for line in block)
    block = [line[least:] for line in block]
    items = joined_items(block)
    named, listed = ([pattern.match(item) for item in items] for pattern in (NAMED_ITEM, LIST_ITEM))
    if block[0].startswith(">>>"):
        return "\n".join(["```python", *block, "```"])
    if least and all(named):
        return "\n".join(f"- `{match[1]}`: {escaped(match[2])}" for match in named if match)
    if all(listed):
        return "\n".join(match[1] + escaped(match[2]) for match in listed if match)
    if section == "References":
        return "\n".join(f"- {escaped(item)}" for item in items)
    if least and not section:
        return "\n".join(["```text", *block, "```"])
    return escaped("\n".join(line.strip() for line in block))


def joined_items(block: list[str]) -> list[str]:
    """The lines of a paragraph, each line that is indented further joined to the one before it."""
    items: list[str] = []
    for line in block:
        if items and indent(line) > 0:
            items[-1] += " " + line.strip()
        else:
            items.append(line.strip())
    return items
