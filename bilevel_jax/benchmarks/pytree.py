"""The type of parameters and other nested arrays in this room."""

from typing import Any, TypeAlias

PyTree: TypeAlias = Any
"""Nested dictionaries, lists and tuples whose leaves are arrays."""
