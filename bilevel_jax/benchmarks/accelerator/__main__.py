"""One part of the check in its own process: `python -m bilevel_jax.benchmarks.accelerator RESULT.json < PART.json`.

RESULT.json gets {"rows": [...]} after every row and, where the part ends by an exception, an "error" of one sentence;
the traceback goes to stderr, and the exit code is 1.
"""

import importlib
import json
import sys
import traceback

from bilevel_jax.atomic import write_json
from bilevel_jax.benchmarks.accelerator.missing_packages import stand_in


def main(result: str, module: str, options: dict) -> int:
    """Runs `rows(**options)` of a module and writes what it yields to `result`; 1 where it raises."""
    stand_in()
    rows: list[dict] = []
    try:
        for row in importlib.import_module(module).rows(**options):
            rows.append(row)
            write_json(result, {"rows": rows})
    except Exception as error:  # whatever it is, the other parts go on and the table says it
        traceback.print_exc()
        write_json(result, {"rows": rows, "error": sentence(error)})
        return 1
    return 0


def sentence(error: Exception) -> str:
    """The first line of what an exception says, shortened; a foreign one with its type."""
    first = (str(error).strip() or "no message").splitlines()[0].rstrip(".")
    named = type(error).__module__.startswith("bilevel_jax")
    return (first if named else f"{type(error).__name__}: {first}")[:300]


if __name__ == "__main__":
    part = json.load(sys.stdin)
    sys.exit(main(sys.argv[1], part["module"], part["options"]))
