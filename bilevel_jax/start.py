"""How every command starts: what has to be said before JAX is imported, then its module, then its exit code."""

import importlib
from collections.abc import Callable, Sequence

from bilevel_jax.compilation import hide_false_errors
from bilevel_jax.errors import run_command


def start(command: str | Callable[[Sequence[str]], None], argv: Sequence[str] | None = None) -> int:
    """Runs a command and returns its exit code, as `run_command` does.

    Args:
        command: "module:function", imported only now, or a function whose module has not imported JAX.
        argv: `sys.argv` where None.
    """
    hide_false_errors()
    if isinstance(command, str):
        module, _, name = command.partition(":")
        command = getattr(importlib.import_module(module), name)
    return run_command(command, argv)


def fuse() -> int:
    """The console command bilevel-fuse."""
    return start("bilevel_jax.commands.fuse:fuse_command")
