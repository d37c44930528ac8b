"""The type of parameters in this room."""

from typing import Any, TypeAlias

PyTree: TypeAlias = Any
"""Nested dictionaries whose leaves are arrays."""
