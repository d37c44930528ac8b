"""Where a page comes from: the command, the versions and the hardware."""

import os
import platform
import shlex
import sys
import time
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

import jax

from bilevel_jax import __version__

PACKAGES = ("jax", "jaxlib", "flax", "optax", "orbax-checkpoint", "grain", "numpy", "pillow")


def environment() -> dict[str, str]:
    """Versions, hardware and time as texts. Nothing in them names the machine or its user."""
    found = {
        "time": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
        "bilevel_jax": __version__,
        "Python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "CPU cores": str(os.cpu_count()),
        "memory": _memory(),
        "devices": f"{jax.device_count()} x {jax.devices()[0].device_kind}",
    }
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return {name: value for name, value in found.items() if value}


def command_line(argv: Sequence[str] | None = None) -> str:
    """The command line of this process, quoted for a shell; `argv` replaces `sys.argv`."""
    argv = list(sys.argv if argv is None else argv)
    script = Path(argv[0])
    if script.is_absolute() and script.is_relative_to(Path.cwd()):
        script = script.relative_to(Path.cwd())
    return shlex.join(["python", str(script), *argv[1:]])


def _memory() -> str:
    try:
        return f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB"
    except (ValueError, OSError, AttributeError):  # some systems do not tell
        return ""
