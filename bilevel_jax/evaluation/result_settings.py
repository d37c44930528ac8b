"""Checks that all parts of a result folder were made with the same settings."""

import json
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from bilevel_jax.atomic import write_json
from bilevel_jax.errors import InputError
from bilevel_jax.training.config import former_config


def check_settings(
    path: Path, settings: Mapping[str, object], what: str, former_names: Mapping[str, str] = MappingProxyType({})
) -> None:
    """Writes the settings of a folder's parts, or compares them with those that an earlier command wrote.

    Args:
        path: the file beside the parts.
        settings: nested dictionaries as JSON takes them. If the file is older than a key, that key had the value of
            `former_config`; the split was val.
        what: the name of the parts in the plural, for the message.
        former_names: keys by dots -> the key that decided the same in files that are older than the key.

    Raises:
        InputError: the file is damaged, or a setting has another value now; the message names the key.
    """
    if not path.exists():
        return write_json(path, settings)
    try:
        before = _flat(json.loads(path.read_text()))
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read as settings: {error}.") from error
    now = _flat(json.loads(json.dumps(settings)))
    former = _flat(json.loads(former_config().to_json())) | {"split": "val"}
    former |= {key: before[other] for key, other in former_names.items() if other in before}
    before = {key: former[key] for key in now if key in former} | before
    for key in sorted(before.keys() | now.keys()):
        if before.get(key) != now.get(key):
            raise InputError(
                f"{path.parent} holds {what} made with {key} = {before.get(key)!r}, and it is {now.get(key)!r} now; "
                "expected another --out."
            )


def _flat(settings: object, prefix: str = "") -> dict[str, object]:
    if not isinstance(settings, dict):
        return {prefix.rstrip("."): settings}
    return {key: value for k, v in settings.items() for key, value in _flat(v, f"{prefix}{k}.").items()}
