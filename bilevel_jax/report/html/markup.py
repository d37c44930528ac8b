"""Text and data made safe to stand in a page."""

import html
import json
import math
import re
from collections.abc import Iterable
from typing import Any

# A browser reads no control characters but tab and newline; a lone surrogate (of a file name that is no UTF-8) has no
# bytes.
_UNREADABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")


def text(value: Any) -> str:
    """`value` as text of an element or of a quoted attribute; what cannot stand in a page becomes U+FFFD."""
    return html.escape(_UNREADABLE.sub("\ufffd", str(value)), quote=True)


def element(tag: str, content: str | Iterable[str] = "", **attributes: Any) -> str:
    """<tag attributes>content</tag>, where `content` is markup and every attribute's value is escaped.

    An attribute that is None or False is left out, True stands without a value; `_` in a name is `-` and a trailing one
    is dropped (`class_`).
    """
    content = content if isinstance(content, str) else "".join(content)
    return f"<{tag}{_attributes(attributes)}>{content}</{tag}>"


def void(tag: str, **attributes: Any) -> str:
    """An element that has no content (img, input)."""
    return f"<{tag}{_attributes(attributes)}>"


def data_script(name: str, value: Any) -> str:
    """`value` as JSON that the page's script finds by the id `name`; NaN becomes null, nothing can end the element."""
    content = json.dumps(_finite(value), allow_nan=False, separators=(",", ":"))
    for character in "<>&":
        content = content.replace(character, f"\\u{ord(character):04x}")
    return f'<script type="application/json" id="{text(name)}">{content}</script>'


def number(value: Any, digits: int) -> str:
    """A figure with its decimals; "-" where it is None or not finite."""
    value = as_float(value)
    return f"{value:.{digits}f}" if math.isfinite(value) else "-"


def as_float(value: Any) -> float:
    """`value` as float; None is NaN."""
    return math.nan if value is None else float(value)


def _attributes(attributes: dict[str, Any]) -> str:
    parts = []
    for name, value in attributes.items():
        if value is None or value is False:
            continue
        name = name.rstrip("_").replace("_", "-")
        parts.append(f" {name}" if value is True else f' {name}="{text(value)}"')
    return "".join(parts)


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
