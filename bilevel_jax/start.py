"""How every command starts: settings before JAX is imported, then the command, then its exit code."""

import importlib
from collections.abc import Callable, Sequence

from bilevel_jax.compilation import hide_false_errors
from bilevel_jax.errors import run_command


def start(command: str | Callable[[Sequence[str]], None], argv: Sequence[str] | None = None) -> int:
    """Runs a command and returns its exit code, as `run_command` does.

    Args:
        command: "module:function", which is imported here, or a function whose module has not imported JAX.
        argv: the command line; None = `sys.argv`.
    """
    hide_false_errors()
    if not isinstance(command, str):
        return run_command(command, argv)
    module, _, name = command.partition(":")
    return run_command(getattr(importlib.import_module(module), name), argv)


def fuse() -> int:
    """Runs the console command bilevel-fuse and returns its exit code."""
    return start("bilevel_jax.commands.fuse:fuse_command")
