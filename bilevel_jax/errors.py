"""How a command can end, and the one function that turns an ending into an exit code.

Exit codes: 0 done; 1 the run failed (NaN, memory, disk); 2 bad usage or input; 75 stopped by a signal, and the same
command resumes.
"""

import difflib
import sys
from collections.abc import Callable, Iterable, Sequence

EXIT_DONE = 0
EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_RESUME = 75


class InputError(ValueError):
    """Bad usage or input. The message is one sentence: which file or key, what was found, what was expected."""


class RunError(RuntimeError):
    """A run that started and then failed: a NaN, too little memory, a full disk."""


def first_few(names: Iterable[str], most: int = 3) -> str:
    """Joins up to `most` names for a message, and adds dots where there are more."""
    names = list(names)
    return ", ".join(names[:most]) + (", ..." if len(names) > most else "")


def nearest(name: str, known: Iterable[str]) -> str:
    """Returns the end of a sentence, which proposes the nearest of the known names where one is near."""
    near = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean {near[0]}?" if near else "."


class HelpShown(Exception):
    """`--help` was given, and the help has been printed."""


class StopSignal(Exception):
    """A signal stopped the run, and the run has been saved: the same command resumes it."""


def run_command(command: Callable[[Sequence[str]], None], argv: Sequence[str] | None = None) -> int:
    """Runs `command(argv)` and returns its exit code; prints one sentence on stderr where the code is not 0.

    Exceptions that this module does not define are not caught.

    Args:
        command: the function that is the command.
        argv: the command line, with the program's name first; None = `sys.argv`.
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
