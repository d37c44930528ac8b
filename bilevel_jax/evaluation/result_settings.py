"""What the finished parts of a folder were made with, so that parts made differently are never mixed."""

import json
from pathlib import Path
from typing import Any

from bilevel_jax.atomic import write_json
from bilevel_jax.errors import InputError
from bilevel_jax.training.config import former_config


def check_settings(path: Path, settings: dict[str, Any], what: str) -> None:
    """Writes the settings of a folder's parts, or holds them against those that an earlier command wrote.

    Args:
        path: the file beside the parts.
        settings: nested dictionaries as JSON takes them. A key that did not exist yet when the file was written had the
            value of `former_config`, and `split` was val.
        what: the parts, in the plural, for the message.

    Raises:
        InputError: the file is damaged, or a setting is another one now; the key is named.
    """
    if not path.exists():
        return write_json(path, settings)
    try:
        before = _flat(json.loads(path.read_text()))
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read as settings: {error}.") from error
    now = _flat(json.loads(json.dumps(settings)))
    former = _flat(json.loads(former_config().to_json())) | {"split": "val"}
    before = {key: former[key] for key in now if key in former} | before
    for key in sorted(before.keys() | now.keys()):
        if before.get(key) != now.get(key):
            raise InputError(
                f"{path.parent} holds {what} made with {key} = {before.get(key)!r}, and it is {now.get(key)!r} now; "
                "expected another --out."
            )


def _flat(settings: Any, prefix: str = "") -> dict[str, Any]:
    if not isinstance(settings, dict):
        return {prefix.rstrip("."): settings}
    return {key: value for k, v in settings.items() for key, value in _flat(v, f"{prefix}{k}.").items()}
