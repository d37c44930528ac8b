"""The ways in which a command can end, and their exit codes.

Exit codes: 0 done, 1 the run failed (NaN, memory, disk), 2 bad usage or input, 75 stopped by a signal, resume me.
"""

import sys
from collections.abc import Callable, Iterable, Sequence

EXIT_DONE = 0
EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_RESUME = 75


class InputError(ValueError):
    """Bad usage or input. The message is one sentence: the file or key, what was found and what was expected."""


class RunError(RuntimeError):
    """A run that started correctly and failed: a NaN, too little memory, a full disk."""


def first_few(names: Iterable[str], most: int = 3) -> str:
    """Up to `most` names for a message, followed by dots if there are more."""
    names = list(names)
    return ", ".join(names[:most]) + (", ..." if len(names) > most else "")


class HelpShown(Exception):
    """`--help` was given, and the help has been printed."""


class StopSignal(Exception):
    """The run was stopped by a signal and has been saved; the same command resumes it."""


def run_command(command: Callable[[Sequence[str]], None], argv: Sequence[str] | None = None) -> int:
    """Runs `command(argv)` and returns its exit code. If it fails, one sentence on stderr says why.

    Any other exception than those of this module keeps its traceback and ends the process with exit code 1.

    Args:
        command: takes the command line with the program's name first.
        argv: the command line; None = `sys.argv`.
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
