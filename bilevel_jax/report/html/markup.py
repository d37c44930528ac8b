"""Escapes texts and data so that they can stand in a page."""

import html
import json
import math
import re
from collections.abc import Iterable

# A browser reads no control characters except tab and newline. A lone surrogate, from a file name that is not UTF-8,
# cannot be encoded.
_UNREADABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")


def text(value: object) -> str:
    """`value` as the text of an element or of a quoted attribute; unreadable characters become U+FFFD."""
    return html.escape(_UNREADABLE.sub("\ufffd", str(value)), quote=True)


def element(tag: str, content: str | Iterable[str] = "", **attributes: object) -> str:
    """<tag attributes>content</tag>. `content` is markup; the values of the attributes are escaped here.

    An attribute that is None or False is left out; True is written without a value. In a name `_` becomes `-`, and a
    `_` at the end is dropped (`class_`).
    """
    content = content if isinstance(content, str) else "".join(content)
    return f"<{tag}{_attributes(attributes)}>{content}</{tag}>"


def void(tag: str, **attributes: object) -> str:
    """An element without content (img, input)."""
    return f"<{tag}{_attributes(attributes)}>"


def data_script(name: str, value: object) -> str:
    """`value` as JSON that the page's script finds by the id `name`.

    NaN becomes null. The characters <, > and & are escaped, so that no text can end the element.
    """
    content = json.dumps(_finite(value), allow_nan=False, separators=(",", ":"))
    for character in "<>&":
        content = content.replace(character, f"\\u{ord(character):04x}")
    return f'<script type="application/json" id="{text(name)}">{content}</script>'


def number(value: float | None, digits: int) -> str:
    """A figure with its decimals; "-" if it is None or not finite."""
    value = as_float(value)
    return f"{value:.{digits}f}" if math.isfinite(value) else "-"


def as_float(value: float | None) -> float:
    """`value` as float; None becomes NaN."""
    return math.nan if value is None else float(value)


def _attributes(attributes: dict[str, object]) -> str:
    parts = []
    for name, value in attributes.items():
        if value is None or value is False:
            continue
        name = name.rstrip("_").replace("_", "-")
        parts.append(f" {name}" if value is True else f' {name}="{text(value)}"')
    return "".join(parts)


def _finite(value: object) -> object:
    if isinstance(value, dict):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
