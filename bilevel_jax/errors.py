"""The ways a command can end, and the one place that turns them into exit codes.

Exit codes: 0 done, 1 the run failed (NaN, memory, disk), 2 bad usage or input, 75 stopped by a signal, resume me.
"""

import sys
from collections.abc import Callable, Iterable, Sequence

EXIT_DONE = 0
EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_RESUME = 75


class InputError(ValueError):
    """Bad usage or input: one sentence that names the file or key, what was found and what was expected."""


class RunError(RuntimeError):
    """A run that started well and failed: a NaN, no memory, no disk."""


def first_few(names: Iterable[str], most: int = 3) -> str:
    """Up to `most` names for a message, and dots where there are more."""
    names = list(names)
    return ", ".join(names[:most]) + (", ..." if len(names) > most else "")


class HelpShown(Exception):
    """`--help` was asked for and answered."""


class StopSignal(Exception):
    """The run was stopped by a signal and has been saved: the same command resumes it."""


def run_command(command: Callable[[Sequence[str]], None], argv: Sequence[str] | None = None) -> int:
    """Runs `command(argv)` and returns its exit code, with one sentence on stderr where it did not end well.

    `argv` is `sys.argv` where none is given. Errors that are not of this module keep their traceback and exit with 1.
    """
    try:
        command(list(sys.argv if argv is None else argv))
    except HelpShown:
        return EXIT_DONE
    except InputError as error:
        return _say(error, EXIT_USAGE)
    except RunError as error:
        return _say(error, EXIT_FAILED)
    except StopSignal as error:
        return _say(error, EXIT_RESUME)
    return EXIT_DONE


def _say(error: Exception, code: int) -> int:
    print(f"error: {error}" if code != EXIT_RESUME else f"stopped: {error}", file=sys.stderr, flush=True)
    return code
