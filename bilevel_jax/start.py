"""Starts the commands: first what must happen before JAX is imported, then the command's module, then the exit code."""

import importlib
import sys
from collections.abc import Callable, Mapping, Sequence

from bilevel_jax.compilation import hide_false_errors
from bilevel_jax.errors import InputError, run_command

Command = Callable[[Sequence[str]], None]


def start(command: str, argv: Sequence[str] | None = None) -> int:
    """Runs a command and returns its exit code, see `errors`.

    Args:
        command: "module:function"; the module is imported only now.
        argv: the command line with the program's name first; None = `sys.argv`.
    """
    hide_false_errors()
    return run_command(lambda given: _loaded(command)(given), argv)


def run_subcommand(argv: Sequence[str], commands: Mapping[str, str], default: str | None = None) -> None:
    """Runs the command that the first argument names.

    Only its module is imported, so that each command starts fast and needs no package of the others.

    Args:
        argv: the command line with the program's name first.
        commands: name -> "module:function".
        default: runs if the first argument is a flag or missing; None = the name is required.

    Raises:
        InputError: the first argument is no name of a command.
    """
    name = argv[1] if len(argv) > 1 else ""
    if name in commands:
        _loaded(commands[name])([argv[0], *argv[2:]])
    elif default is not None and (not name or name.startswith("-")):
        _loaded(default)(argv)
    else:
        given = repr(name) if name else "nothing"
        raise InputError(f"The command is {given}; expected one of {', '.join(commands)}, each with --help.")


def fuse() -> int:
    """The console command bilevel-fuse; `bilevel-fuse page` serves a page in the browser."""
    if sys.argv[1:2] == ["page"]:
        return start("bilevel_jax.commands.page:page_command", [sys.argv[0], *sys.argv[2:]])
    return start("bilevel_jax.commands.fuse:fuse_command")


def _loaded(command: str) -> Command:
    module, _, name = command.partition(":")
    return getattr(importlib.import_module(module), name)
