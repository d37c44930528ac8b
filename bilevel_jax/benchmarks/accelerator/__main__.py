"""Runs one part of the check in a process of its own.

    python -m bilevel_jax.benchmarks.accelerator RESULT.json < PART.json

After every row RESULT.json is written again as {"rows": [...]}. If the part raises an exception, RESULT.json also has
an "error" of one sentence, the traceback goes to stderr, and the exit code is 1.
"""

import importlib
import json
import sys
import traceback
from collections.abc import Mapping

from bilevel_jax.atomic import write_json
from bilevel_jax.benchmarks.accelerator.missing_packages import stand_in
from bilevel_jax.benchmarks.accelerator.results import Row


def main(result: str, module: str, options: Mapping[str, object]) -> int:
    """Runs `rows(**options)` of a module and writes its rows to the file `result`.

    Returns:
        The exit code: 0, or 1 if the part raised an exception.
    """
    stand_in()
    rows: list[Row] = []
    try:
        for row in importlib.import_module(module).rows(**options):
            rows.append(row)
            write_json(result, {"rows": rows})
    except Exception as error:  # the other parts run in any case, and the table prints the error
        traceback.print_exc()
        write_json(result, {"rows": rows, "error": sentence(error)})
        return 1
    return 0


def sentence(error: Exception) -> str:
    """The first line of an exception's message, shortened. An exception of another package is named by its type."""
    first = (str(error).strip() or "no message").splitlines()[0].rstrip(".")
    named = type(error).__module__.startswith("bilevel_jax")
    return (first if named else f"{type(error).__name__}: {first}")[:300]


if __name__ == "__main__":
    part = json.load(sys.stdin)
    sys.exit(main(sys.argv[1], part["module"], part["options"]))
