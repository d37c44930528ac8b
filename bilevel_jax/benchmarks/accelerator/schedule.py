"""Runs the parts one after another within a time limit, each in a process of its own, and keeps their results."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import bilevel_jax
from bilevel_jax.atomic import write_json
from bilevel_jax.benchmarks.accelerator.plan import MODULES, Part
from bilevel_jax.benchmarks.accelerator.results import Facts, Job, PartFile, PartResult, ResultsFile, Row

GRACE = 1.0  # seconds that are kept for the last writing
LARGEST_SHARE = 1 / 3  # of the whole time, for one part: a part that hangs must leave time for the others


class Ended(NamedTuple):
    """How the process of a part ended.

    Attributes:
        rows: the rows that it wrote.
        error: one sentence; None if all went well.
        late: whether it was killed because its time was over.
    """

    rows: list[Row]
    error: str | None
    late: bool = False


def run_parts(
    parts: Sequence[Part], out: Path, minutes: float, report: Callable[[list[PartResult], PartResult], None]
) -> list[PartResult]:
    """Runs the parts in order and writes out/accelerator.json after each of them.

    The first part runs every time and says which device and versions the figures belong to. A part is kept if the file
    has it as done with the same device, versions, options and environment. Every other part gets the time that is left,
    but at most a third of the whole time unless it is the last one. A part is "not reached" if less time is left than
    its `least`; the next part may still run.

    Args:
        parts: the plan; names are unique.
        out: the folder of accelerator.json.
        minutes: for all parts together.
        report: called after every part with all results and the newest one.

    Returns:
        One result for each part, in order.
    """
    end = time.monotonic() + 60 * minutes - GRACE
    path = out / "accelerator.json"
    before: ResultsFile = _read_json(path)
    results: list[PartResult] = []
    facts: Facts | None = None
    for number, part in enumerate(parts):
        kept = _kept(before, part, facts) if number else None
        most = 60 * minutes * (1 if part is parts[-1] else LARGEST_SHARE)
        result = kept or _run(part, end - time.monotonic(), most)
        if number == 0 and result["status"] == "done":
            facts = result["rows"][0]["details"]
        results.append(result)
        _write(path, facts, results, before, parts[number + 1 :])
        report(results, result)
    return results


def _run(part: Part, left: float, most: float) -> PartResult:
    if left < part.least:
        text = f"{max(left, 0):.0f} s were left and it needs {part.least:.0f} s; finished parts are kept, so call again"
        return {
            "part": part.name, "job": _job(part), "status": "not reached", "rows": [], "seconds": 0.0, "error": text
        }  # fmt: skip
    start = time.monotonic()
    ended = run_process(part, min(left, max(most, part.least)))
    status: Literal["done", "stopped", "failed"]
    status = "done" if ended.error is None else "stopped" if ended.late else "failed"
    result: PartResult = {
        "part": part.name, "job": _job(part), "status": status, "rows": ended.rows, "seconds": time.monotonic() - start
    }  # fmt: skip
    if ended.error is not None:
        result["error"] = ended.error
    return result


def run_process(part: Part, timeout: float) -> Ended:
    """Runs one part in a process of its own.

    After `timeout` seconds the process and all processes that it started are killed. The rows that it has written so
    far are kept.
    """
    with tempfile.TemporaryDirectory() as folder:
        result, errors = Path(folder) / "result.json", Path(folder) / "stderr"
        with open(errors, "wb") as stderr:
            process = subprocess.Popen(
                [sys.executable, "-m", MODULES, str(result)],
                env=_environment(part),
                stdin=subprocess.PIPE,
                stdout=stderr,
                stderr=stderr,
                start_new_session=True,
            )
            late = False
            try:
                process.communicate(json.dumps({"module": part.module, "options": part.options}).encode(), timeout)
            except subprocess.TimeoutExpired:
                late = True
            finally:  # after an interrupt too, no process may stay behind that holds the device
                _kill_group(process)
        written: PartFile = _read_json(result)
        code, rows = process.returncode, written.get("rows", [])
        if late:
            return Ended(rows, f"after {timeout:.0f} s; call again with more --minutes", late=True)
        if code == 0:
            return Ended(rows, None)
        return Ended(rows, written.get("error") or _last_words(code, errors.read_text(errors="replace")))


def _environment(part: Part) -> dict[str, str]:
    package = str(Path(bilevel_jax.__file__).parents[1])
    paths = [package, *filter(None, [os.environ.get("PYTHONPATH")])]
    given = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), **part.environment}
    return {name: value for name, value in given.items() if value is not None}


def _kill_group(process: subprocess.Popen) -> None:
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.wait()


def _last_words(code: int, errors: str) -> str:
    lines = [line.strip() for line in errors.splitlines() if line.strip()]
    how = f"exit code {code}" if code >= 0 else f"killed by {signal.Signals(-code).name}"
    hint = " (the host's memory?)" if code == -signal.SIGKILL else ""
    return f"{how}{hint}: {lines[-1][:300]}" if lines else f"{how}{hint}"


def _job(part: Part) -> Job:
    """The job of a part as JSON gives it back, so that it can be compared with the file."""
    return json.loads(json.dumps({"module": part.module, "options": part.options, "environment": part.environment}))


def _kept(before: ResultsFile, part: Part, facts: Facts | None) -> PartResult | None:
    if facts is None or before.get("device") != facts:
        return None
    for result in before.get("parts", []):
        if result["part"] == part.name and result["status"] == "done" and result["job"] == _job(part):
            return result
    return None


def _write(
    path: Path, facts: Facts | None, results: list[PartResult], before: ResultsFile, coming: Sequence[Part]
) -> None:
    """Writes the results so far and the kept results of coming parts, so that a stopped command loses none of them."""
    later = [kept for part in coming if (kept := _kept(before, part, facts))]
    write_json(path, {"device": facts, "parts": results + later})


def _read_json(path: Path) -> Any:
    """The content of a file of results or of a part; {} where nothing was written yet."""
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
