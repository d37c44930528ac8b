"""Part (f), on a script that stands for train.py: it writes steps, saves, stops at SIGTERM and goes on."""

import json
from pathlib import Path

import pytest

from bilevel_jax.benchmarks.accelerator import resuming
from bilevel_jax.checkpoints import compare
from bilevel_jax.errors import RunError

TRAINER = """
import json, os, pathlib, signal, sys, time

flags = dict(argument.split("=", 1) for argument in sys.argv[1:])
workdir, last = pathlib.Path(flags["--workdir"]), 20 + int(flags["--config.steps"])
saves = workdir / "checkpoints"
saves.mkdir(parents=True, exist_ok=True)
stop = []
signal.signal(signal.SIGTERM, lambda *_: stop.append(1))
step = max([int(path.name) for path in saves.glob("*")], default=0)
log = workdir / "metrics.jsonl"
lines = log.read_text().splitlines()[:step] if log.exists() else []
log.write_text("".join(line + "\\n" for line in lines))
while step < last:
    step += 1
    time.sleep(0.004)
    noise = WRONG and step > 20 and "killed" in str(workdir)
    values = {"step": step, "loss": step / 7 + noise}
    values |= {"time/step_s": 0.004, "time/wait_s": 0.001, "time/images_per_s": 2000.0}
    with open(log, "a") as file:
        file.write(json.dumps(values) + "\\n")
    if step % 20 == 0 or stop or step == last:
        (saves / str(step)).mkdir(exist_ok=True)
    if stop and step < last:
        sys.exit(75)
if END:
    print("the disk is full", file=sys.stderr)
    sys.exit(END)
"""


@pytest.fixture
def experiments(tmp_path, monkeypatch):
    monkeypatch.setattr(compare, "load_run", lambda workdir, which: (None, {"step": len(list(workdir.glob("*")))}))

    def make(wrong=False, end=0):
        text = TRAINER.replace("WRONG", str(wrong)).replace("END", str(end))
        (tmp_path / "train.py").write_text(text)
        return dict(
            experiments=str(tmp_path),
            config="scenes.py",
            seconds=1.5,
            save_every=20,
            environment={"JAX_PLATFORMS": None},
        )

    return make


def test_a_killed_run_that_ends_the_same(experiments):
    comparison, waiting = resuming.rows(**experiments())
    assert comparison["passed"] and comparison["result"].startswith("pass: equal bit for bit (")
    steps = int(comparison["result"].split("(")[1].split()[0])
    saved = int(comparison["result"].rstrip(")").split()[-1])
    assert 0 < saved < steps and steps >= 60  # it was killed after a save and before its end
    assert waiting["details"]["share"] == pytest.approx(25.0) and waiting["ms"] == pytest.approx(4.0)
    assert waiting["result"].startswith("25.0 % of the time")


def test_a_killed_run_that_ends_otherwise(experiments):
    comparison, _ = resuming.rows(**experiments(wrong=True))
    assert comparison["passed"] is False and "first metrics of step 21" in comparison["result"]


def test_a_run_that_ends_by_itself(experiments):
    with pytest.raises(RunError, match="ended with 1, expected 0: the disk is full"):
        list(resuming.rows(**experiments(end=1)))


def test_too_few_steps_are_no_test(experiments):
    with pytest.raises(RunError, match="steps in 0 s are too few|train.py ended with"):
        list(resuming.rows(**experiments() | {"seconds": 0.1}))


def test_missing_packages_are_named(experiments, monkeypatch):
    monkeypatch.setattr(resuming, "NEEDED", ("numpy", "no_such_package"))
    with pytest.raises(RunError, match="not installed: no_such_package; pip install no_such_package"):
        list(resuming.rows(**experiments()))


def test_what_a_run_leaves_is_compared_line_by_line(tmp_path, monkeypatch):
    monkeypatch.setattr(compare, "load_run", lambda workdir, which: (None, {"w": [1.0, 2.0 + ("b" in workdir.name)]}))
    lines = [{"step": step, "loss": 1 / step, "time/step_s": step} for step in (1, 2, 3)]
    other = [*lines[:2], lines[2] | {"loss": 0.5}]
    for name, written in (("a", lines), ("b", other), ("gap", [lines[0], lines[2]])):
        (tmp_path / name).mkdir()
        (tmp_path / name / "metrics.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in written))
    assert compare.differences(tmp_path / "a", tmp_path / "a") == []
    assert compare.differences(tmp_path / "a", tmp_path / "b") == ["metrics of step 3", "newest ['w'][1]"]
    assert "gap or a double" in compare.differences(tmp_path / "a", Path(tmp_path / "gap"))[0]


def test_an_abort_is_told_by_its_failed_check(tmp_path):
    log = tmp_path / "run.log"
    log.write_text(
        "step 28\rF0000 tiling.cc:703] Check failed: 576 == 48\n*** Check failure stack trace: ***\n@ 0x6b (unknown)\n"
    )
    assert resuming._reason(log) == "F0000 tiling.cc:703] Check failed: 576 == 48"
    log.write_text("step 1\nerror: config.data.root is ''\n")
    assert resuming._reason(log).startswith("error: config.data.root")
    log.write_text("step 1\rstep 2\n\n")
    assert resuming._reason(log) == "step 2"
