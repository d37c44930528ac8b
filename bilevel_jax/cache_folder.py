"""Where this package keeps what it can make again."""

import os
from pathlib import Path


def cache_folder() -> Path:
    """$XDG_CACHE_HOME/bilevel_jax or ~/.cache/bilevel_jax: prepared data sets and compiled programs."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "bilevel_jax"
