"""The parent: order, time, kills, memory, what is kept. Its parts are a module that imports no JAX."""

import json
import os
import signal
import time
from pathlib import Path

import pytest

from bilevel_jax.benchmarks.accelerator.plan import Part
from bilevel_jax.benchmarks.accelerator.schedule import run_parts, run_process

FAKE = """
import os, pathlib, signal, subprocess, sys, time

def rows(*, log=None, kind="H1", end="", sleep=0.0, error=""):
    if log:
        with open(log, "a") as file:
            file.write(kind + "\\n")
    yield {"what": "first", "details": {"device": kind}, "result": os.environ.get("OF_PART", "")}
    if end == "grandchild":
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
        pathlib.Path(log + ".pid").write_text(str(child.pid))
    time.sleep(sleep)
    if end == "killed":
        print("last words", file=sys.stderr, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
    if end == "exit":
        os._exit(3)
    if error:
        raise RuntimeError(error)
    yield {"what": "second"}
"""


@pytest.fixture
def part(tmp_path, monkeypatch):
    (tmp_path / "fake_part.py").write_text(FAKE)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return lambda name="p", least=0.1, environment=None, **options: Part(
        name, "fake_part", options, environment or {}, least
    )


def whats(result):
    return [row["what"] for row in result["rows"]]


def test_parts_run_in_order_and_each_is_written_when_it_ends(part, tmp_path):
    log, out, seen = str(tmp_path / "log"), tmp_path / "out", []

    def report(results, newest):
        written = json.loads((out / "accelerator.json").read_text())["parts"]
        assert written == results and written[-1] == newest
        seen.append(newest["part"])

    plan = [part("device"), *(part(name, log=log, kind=name) for name in "cab")]
    plan[2] = plan[2]._replace(environment={"OF_PART": "own"})
    results = run_parts(plan, out, 1.0, report)
    assert (tmp_path / "log").read_text().split() == ["c", "a", "b"]
    assert seen == ["device", "c", "a", "b"]
    assert all(result["status"] == "done" and whats(result) == ["first", "second"] for result in results)
    assert [result["rows"][0]["result"] for result in results] == ["", "", "own", ""]


def test_finished_parts_are_kept_and_others_tried_again(part, tmp_path):
    log, out = str(tmp_path / "log"), tmp_path / "out"
    quiet = lambda results, newest: None

    def ran(plan):
        (tmp_path / "log").write_text("")
        statuses = [result["status"] for result in run_parts(plan, out, 1.0, quiet)]
        return statuses, (tmp_path / "log").read_text().split()

    bad = part("bad", log=log, kind="bad", error="no luck")
    plan = [part("device"), part("good", log=log, kind="good"), bad]
    assert ran(plan) == (["done", "done", "failed"], ["good", "bad"])
    assert ran(plan) == (["done", "done", "failed"], ["bad"])
    mended = [*plan[:2], part("bad", log=log, kind="bad")]
    assert ran(mended) == (["done"] * 3, ["bad"])
    other_options = [plan[0], part("good", log=log, kind="good", sleep=0.01), mended[2]]
    assert ran(other_options) == (["done"] * 3, ["good"])
    other_device = [part("device", kind="H2"), *other_options[1:]]
    assert ran(other_device) == (["done"] * 3, ["good", "bad"])


def test_a_stopped_command_loses_no_finished_part(part, tmp_path):
    plan = [part("device"), part("early"), part("late")]
    run_parts(plan, tmp_path, 1.0, lambda *_: None)

    def stop(results, newest):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_parts(plan, tmp_path, 1.0, stop)
    written = json.loads((tmp_path / "accelerator.json").read_text())["parts"]
    assert [result["part"] for result in written] == ["device", "early", "late"]


def test_a_part_without_end_gets_a_third_of_the_time(part, tmp_path):
    plan = [part("device"), part("endless", sleep=60.0), part("patient", sleep=0.5)]
    start = time.monotonic()
    results = run_parts(plan, tmp_path, 6.0 / 60, lambda *_: None)
    assert time.monotonic() - start < 6
    assert [result["status"] for result in results] == ["done", "stopped", "done"]
    assert whats(results[1]) == ["first"] and "after 2 s" in results[1]["error"]


def test_a_part_that_the_time_does_not_reach_is_not_begun(part, tmp_path):
    log = str(tmp_path / "log")
    plan = [part("device"), part("never", least=300.0, log=log), part("short")]
    results = run_parts(plan, tmp_path, 6.0 / 60, lambda *_: None)
    assert [result["status"] for result in results] == ["done", "not reached", "done"]
    assert "needs 300 s" in results[1]["error"] and not (tmp_path / "log").exists()


def test_after_its_time_a_part_is_killed_with_all_that_it_started(part, tmp_path):
    log = str(tmp_path / "log")
    ended = run_process(part(end="grandchild", log=log, sleep=60.0), timeout=1.5)
    assert ended.late and "after 2 s" in ended.error
    process = int((tmp_path / "log.pid").read_text())
    for _ in range(100):
        try:  # gone, or a zombie that nobody has waited for
            state = Path(f"/proc/{process}/stat").read_text().split()[2]
        except (FileNotFoundError, ProcessLookupError):
            break
        if state == "Z":
            break
        time.sleep(0.02)
    else:
        os.kill(process, signal.SIGKILL)
        pytest.fail("the grandchild lived on")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"end": "killed"}, "killed by SIGKILL (the host's memory?): last words"),
        ({"end": "exit"}, "exit code 3"),
        (
            {"error": "RESOURCE_EXHAUSTED: Out of memory allocating 9 bytes.\nBFC says much"},
            "RuntimeError: RESOURCE_EXHAUSTED: Out of memory allocating 9 bytes",
        ),
    ],
)
def test_a_part_that_ends_badly_keeps_its_rows_and_says_why(part, options, message):
    ended = run_process(part(**options), timeout=20)
    assert [row["what"] for row in ended.rows] == ["first"] and ended.error == message and not ended.late


def test_a_part_that_cannot_be_imported_says_so(part):
    ended = run_process(part()._replace(module="nowhere"), timeout=20)
    assert ended.rows == [] and ended.error == "ModuleNotFoundError: No module named 'nowhere'"
