"""The folder for files that the package can make again."""

import os
from pathlib import Path


def cache_folder() -> Path:
    """The folder of prepared data sets and compiled programs: $XDG_CACHE_HOME/bilevel_jax or ~/.cache/bilevel_jax."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "bilevel_jax"
