"""Runs the parts one after another within a time, each in a process of its own, and keeps what they found."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import bilevel_jax
from bilevel_jax.atomic import write_json
from bilevel_jax.benchmarks.accelerator.plan import MODULES, Part

# part, job, status ("done", "failed", "stopped": by its timeout, "not reached"), rows, seconds, and error unless done
Result = dict[str, Any]
GRACE = 1.0  # seconds kept back for the last writing
LARGEST_SHARE = 1 / 3  # of the whole time, for one part that others come after: one that hangs must not be the last


class Ended(NamedTuple):
    """How a part's process ended: what it wrote, and one sentence unless all went well."""

    rows: list[dict[str, Any]]
    error: str | None
    late: bool = False


def run_parts(
    parts: Sequence[Part], out: Path, minutes: float, report: Callable[[list[Result], Result], None]
) -> list[Result]:
    """Runs the parts in order and writes out/accelerator.json after each.

    The first part says which device and versions the figures belong to, and runs every time. A part that out's file
    has finished with the same device and versions, options and environment is kept. Every other part gets the time that
    is left, but at most a third of the whole unless it is the last; where less is left than its `least`, it is "not
    reached", and the next one is looked at.

    Args:
        parts: the plan; names are unique.
        out: folder of accelerator.json.
        minutes: for everything.
        report: called with all results, and the one that is new, after every part.

    Returns:
        A result for each part, in order.
    """
    end = time.monotonic() + 60 * minutes - GRACE
    path = out / "accelerator.json"
    before = _read(path)
    results: list[Result] = []
    facts: Any = None
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


def _run(part: Part, left: float, most: float) -> Result:
    told = {"part": part.name, "job": _job(part)}
    if left < part.least:
        text = f"{max(left, 0):.0f} s were left and it needs {part.least:.0f} s; call again, what is done is kept"
        return {**told, "status": "not reached", "rows": [], "seconds": 0.0, "error": text}
    start = time.monotonic()
    ended = run_process(part, min(left, max(most, part.least)))
    status = "done" if ended.error is None else "stopped" if ended.late else "failed"
    result = {**told, "status": status, "rows": ended.rows, "seconds": time.monotonic() - start}
    return result if ended.error is None else {**result, "error": ended.error}


def run_process(part: Part, timeout: float) -> Ended:
    """Runs one part; after `timeout` seconds it and all that it started are killed, and its rows so far are kept."""
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
            finally:  # an interrupt too must not leave a process behind that holds the device
                _kill_group(process)
        written = _read(result)
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


def _job(part: Part) -> dict[str, Any]:
    """What has to be the same for a finished part to be kept, as JSON gives it back."""
    return json.loads(json.dumps({"module": part.module, "options": part.options, "environment": part.environment}))


def _kept(before: dict[str, Any], part: Part, facts: Any) -> Result | None:
    if facts is None or before.get("device") != facts:
        return None
    for result in before.get("parts", []):
        if result["part"] == part.name and result["status"] == "done" and result["job"] == _job(part):
            return result
    return None


def _write(path: Path, facts: Any, results: list[Result], before: dict[str, Any], coming: Sequence[Part]) -> None:
    """With the finished parts that are still to be kept: a command that is stopped here loses none of them."""
    later = [kept for part in coming if (kept := _kept(before, part, facts))]
    write_json(path, {"device": facts, "parts": results + later})


def _read(path: Path) -> dict[str, Any]:
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError):  # there is none yet
        return {}
