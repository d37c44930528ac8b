"""The check's one table."""

from collections.abc import Sequence
from typing import Any

from bilevel_jax.report.text_table import format_table

UNITS = {"ms": 1, "compile_s": 1, "peak_mib": 0, "tflop": 3, "share": 1}  # decimals
TITLES = {"compile_s": "compile, s", "peak_mib": "peak MiB", "tflop": "TFLOP", "share": "% of peak"}
LEGEND = """\
ms: median of calls after a first (part e: the least). peak MiB: the most that the part's process held on the
device up to then (or, where the backend does not say, what the compiled program needs). TFLOP: of one call, by XLA's
count. % of peak: TFLOP over ms, of the maker's dense peak at that precision. Batches lie on the device before the clock
starts. (a) compares with the CPU in float32 without TF32."""


def table_text(results: Sequence[dict[str, Any]]) -> str:
    """A Markdown table of the rows of all results, and what became of the parts that did not end well."""
    lines = []
    for result in results:
        lines += [_line(result["part"], row) for row in result["rows"]]
        if result["status"] != "done":
            lines.append({"part": result["part"], "result": f"{result['status']}: {result['error']}"})
    columns = ["part", "what", *(TITLES.get(name, name) for name in UNITS), "result"]
    return f"{format_table(lines, columns, markdown=True)}\n\n{LEGEND}\n"


def summary(results: Sequence[dict[str, Any]]) -> str:
    """One or two sentences: how many parts are done, which comparisons failed, and whether anything is left."""
    done = sum(result["status"] == "done" for result in results)
    wrong = [row["what"] for result in results for row in result["rows"] if row.get("passed") is False]
    verdict = f"; FAILED comparisons: {', '.join(wrong)}" if wrong else ""
    left = any(result["status"] in ("stopped", "not reached") for result in results)
    return f"{done} of {len(results)} parts done{verdict}.{' The same command does the rest.' if left else ''}"


def failed(results: Sequence[dict[str, Any]]) -> bool:
    """Whether a comparison failed or a part ended by a fault of its own; that time ran out is no failure."""
    wrong = any(row.get("passed") is False for result in results for row in result["rows"])
    return wrong or any(result["status"] == "failed" for result in results)


def _line(part: str, row: dict[str, Any]) -> dict[str, Any]:
    line = {"part": part, "what": row["what"], "result": row.get("result", "")}
    for name, digits in UNITS.items():
        value = row.get(name)
        line[TITLES.get(name, name)] = None if value is None else _rounded(value, digits)
    return line


def _rounded(value: float, digits: int) -> str:
    # A figure of a small version may be far below one unit of the last decimal: two digits of it are kept.
    return f"{value:.{digits}f}" if value >= 10**-digits else f"{value:.1e}"
