"""The folder for files that this package can make again."""

import os
from pathlib import Path


def cache_folder() -> Path:
    """Returns $XDG_CACHE_HOME/bilevel_jax or ~/.cache/bilevel_jax, for prepared data sets and compiled programs."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "bilevel_jax"
