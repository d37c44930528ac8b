"""The part of ml_collections that the training steps need, for machines without it."""

import contextlib
from collections.abc import ItemsView, Iterator, KeysView, Mapping
from typing import Any


class ConfigDict:
    """Nested keys as attributes and items. A dictionary becomes such a configuration. A locked one takes no new key.

    Unlike the real ConfigDict it does not keep the type of a key, and it has no references.
    """

    _fields: dict[str, Any]
    _locked: bool

    def __init__(self, initial: "Mapping[str, object] | ConfigDict | None" = None):
        object.__setattr__(self, "_fields", {})
        object.__setattr__(self, "_locked", False)
        for name, value in initial.items() if initial is not None else ():
            self[name] = ConfigDict(value) if isinstance(value, Mapping | ConfigDict) else value

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name not in self._fields:
            raise AttributeError(f"the config has no key {name!r}")
        return self._fields[name]

    def __setattr__(self, name: str, value: object) -> None:
        self[name] = value

    def __getitem__(self, name: str) -> Any:
        return self._fields[name]

    def __setitem__(self, name: str, value: object) -> None:
        if self._locked and name not in self._fields:
            raise KeyError(f"the config is locked and has no key {name!r}")
        self._fields[name] = ConfigDict(value) if isinstance(value, Mapping) else value

    def __contains__(self, name: str) -> bool:
        return name in self._fields

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)

    def keys(self) -> KeysView[str]:
        return self._fields.keys()

    def items(self) -> ItemsView[str, object]:
        return self._fields.items()

    def get(self, name: str, default: object = None) -> object:
        return self._fields.get(name, default)

    def update(self, values: "Mapping[str, object] | ConfigDict") -> None:
        for name, value in values.items():
            if isinstance(self.get(name), ConfigDict) and isinstance(value, Mapping | ConfigDict):
                self[name].update(value)
            else:
                self[name] = value

    def to_dict(self) -> dict[str, object]:
        return {name: value.to_dict() if isinstance(value, ConfigDict) else value for name, value in self.items()}

    def lock(self) -> "ConfigDict":
        return self._set_locked(True)

    def unlock(self) -> "ConfigDict":
        return self._set_locked(False)

    @contextlib.contextmanager
    def unlocked(self) -> Iterator["ConfigDict"]:
        before = self._locked
        self.unlock()
        yield self
        self._set_locked(before)

    def _set_locked(self, locked: bool) -> "ConfigDict":
        object.__setattr__(self, "_locked", locked)
        for value in self._fields.values():
            if isinstance(value, ConfigDict):
                value._set_locked(locked)
        return self


def FieldReference(value: object, field_type: type) -> object:
    """Returns the value: this ConfigDict keeps no types, so a key with the value None takes any other value."""
    return value
