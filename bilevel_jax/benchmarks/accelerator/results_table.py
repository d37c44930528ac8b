"""The table of the check and its verdict."""

from collections.abc import Sequence

from bilevel_jax.benchmarks.accelerator.results import PartResult, Row
from bilevel_jax.report.text_table import format_table

UNITS = {"ms": 1, "compile_s": 1, "peak_mib": 0, "tflop": 3, "share": 1}  # decimals
TITLES = {"compile_s": "compile, s", "peak_mib": "peak MiB", "tflop": "TFLOP", "share": "% of peak"}
LEGEND = """\
ms: median of the calls after the first one (part e: the least). peak MiB: the most memory that the part's process has
held on the device so far (or the memory of the compiled program, if the backend does not tell). TFLOP: operations of
one call by XLA's count. % of peak: TFLOP over ms, relative to the maker's dense peak at that precision. Batches lie on
the device before the clock starts. (a) compares with the CPU in float32 without TF32."""


def table_text(results: Sequence[PartResult]) -> str:
    """A Markdown table of all rows. A part that is not done has a line with its status and error."""
    lines: list[dict[str, object]] = []
    for result in results:
        lines += [_line(result["part"], row) for row in result["rows"]]
        if result["status"] != "done":
            lines.append({"part": result["part"], "result": f"{result['status']}: {result['error']}"})
    columns = ["part", "what", *(TITLES.get(name, name) for name in UNITS), "result"]
    return f"{format_table(lines, columns, markdown=True)}\n\n{LEGEND}\n"


def summary(results: Sequence[PartResult]) -> str:
    """One or two sentences: how many parts are done, which comparisons failed, and whether parts are left."""
    done = sum(result["status"] == "done" for result in results)
    wrong = [row["what"] for result in results for row in result["rows"] if row.get("passed") is False]
    verdict = f"; FAILED comparisons: {', '.join(wrong)}" if wrong else ""
    left = any(result["status"] in ("stopped", "not reached") for result in results)
    return f"{done} of {len(results)} parts done{verdict}.{' Run the same command again for the rest.' if left else ''}"


def failed(results: Sequence[PartResult]) -> bool:
    """Whether a comparison failed or a part ended with an error. A part that ran out of time has not failed."""
    wrong = any(row.get("passed") is False for result in results for row in result["rows"])
    return wrong or any(result["status"] == "failed" for result in results)


def _line(part: str, row: Row) -> dict[str, object]:
    line: dict[str, object] = {"part": part, "what": row["what"], "result": row.get("result", "")}
    figures = {
        "ms": row.get("ms"),
        "compile_s": row.get("compile_s"),
        "peak_mib": row.get("peak_mib"),
        "tflop": row.get("tflop"),
        "share": row.get("share"),
    }
    for name, digits in UNITS.items():
        value = figures[name]
        line[TITLES.get(name, name)] = None if value is None else _rounded(value, digits)
    return line


def _rounded(value: float, digits: int) -> str:
    # Figures of the small sizes may be far below one unit of the last decimal: two significant digits are printed.
    return f"{value:.{digits}f}" if value >= 10**-digits else f"{value:.1e}"
