"""train.py from the outside: what a run leaves behind, how it stops and goes on, what a bad one says."""

import json
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import jax
import numpy as np
import pytest

from bilevel_jax.checkpoints import load_run
from bilevel_jax.checkpoints.compare import timeless_metrics
from bilevel_jax.checkpoints.lock import lock_folder
from bilevel_jax.checkpoints.parameters import load_parameters
from bilevel_jax.commands.train import train_command
from bilevel_jax.errors import run_command
from bilevel_jax.images.files import read_image
from bilevel_jax.training import loop_step

ROOT = Path(__file__).parents[2]
SMOKE = ROOT / "experiments" / "configs" / "smoke.py"
STEPS = 12  # of smoke.py: 4 of warm start, 8 bilevel


def test_a_run_leaves_pictures_curves_metrics_a_checkpoint_and_a_table(smoke_run):
    workdir, printed = smoke_run
    assert [line["step"] for line in timeless_metrics(workdir)] == list(range(1, STEPS + 1))
    assert {line["phase"] for line in timeless_metrics(workdir)} == {"warm_start", "bilevel"}
    outer = [line for line in timeless_metrics(workdir) if "lambda/visual" in line]
    assert len(outer) == 4  # every second of eight
    for line in outer:
        assert line["lambda/visual"] + line["lambda/semantic"] == pytest.approx(1.0)
    assert read_image(workdir / "curves.png").std() > 0
    assert read_image(workdir / "sheets" / "000012.png").shape[1] > 5 * 192  # five columns
    assert (workdir / "checkpoints" / "12").is_dir()
    assert list((workdir / "tensorboard").glob("events.out.*"))
    table = json.loads((workdir / "table.json").read_text())["rows"]
    assert list(table) == ["ir", "vis", "average", "fused"]
    for kind, row in table.items():
        assert kind in printed and 0 <= row["mIoU_all"] <= row["mIoU_occurring"] <= 1 and row["EN"] > 1


@pytest.mark.parametrize(
    "cache", ["JAX's own", pytest.param("off", marks=pytest.mark.slow), pytest.param("damaged", marks=pytest.mark.slow)]
)
def test_killed_and_stopped_runs_continue_to_the_same_parameters_and_metrics(smoke_run, tmp_path, cache):
    workdir, programs = tmp_path / "run", tmp_path / "programs"
    line = [sys.executable, str(ROOT / "experiments" / "train.py"), f"--config={SMOKE}", f"--workdir={workdir}"]
    line += ["--config.rows.steps=0"]
    line += {"JAX's own": [], "off": ["--compilation_cache=off"], "damaged": [f"--compilation_cache={programs}"]}[cache]
    codes = []
    for number, after in ((signal.SIGKILL, 5), (signal.SIGTERM, 7)):
        process = subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        wait_for_step(workdir, after, process)
        process.send_signal(number)
        _, printed = process.communicate(timeout=120)
        codes.append(process.returncode)
        for i, path in enumerate(sorted(programs.rglob("*-cache"))):
            if i % 2:
                path.write_bytes(path.read_bytes()[: i * 1000])
    assert codes == [-signal.SIGKILL, 75], printed
    assert "the same command resumes" in printed
    last = subprocess.run(line, capture_output=True, text=True, timeout=300, check=False)
    assert last.returncode == 0, last.stderr
    straight, resumed = load_run(smoke_run[0])[1], load_run(workdir)[1]
    for name in ("outer_params", "inner_params", "outer_state", "inner_state"):
        assert_same(straight[name], resumed[name])
    assert timeless_metrics(workdir) == timeless_metrics(smoke_run[0])
    assert len(list(programs.rglob("*-cache"))) >= (4 if cache == "damaged" else 0)


def wait_for_step(workdir, step, process):
    path = workdir / "metrics.jsonl"
    deadline = time.monotonic() + 240
    while time.monotonic() < deadline and process.poll() is None:
        if path.exists() and len(path.read_text().splitlines()) >= step:
            return
        time.sleep(0.01)
    raise AssertionError(f"step {step} was not reached; exit code {process.poll()}: {process.stderr.read()}")


def assert_same(a, b):
    if isinstance(a, dict):
        assert a.keys() == b.keys()
        for key in a:
            assert_same(a[key], b[key])
    else:
        np.testing.assert_array_equal(a, b)


def run_here(capsys, *arguments):
    """train.py's command in this process: (exit code, the one sentence it printed on stderr)."""
    code = run_command(train_command, ["train.py", f"--config={SMOKE}", *map(str, arguments)])
    return code, capsys.readouterr().err.strip().splitlines()[-1]


def test_a_nan_stops_the_run_with_step_loss_and_files_and_saves_nothing(capsys, tmp_path):
    code, sentence = run_here(capsys, f"--workdir={tmp_path}", "--config.warm_start.learning_rate=1e30")
    assert code == 1
    assert "loss/warm_start is " in sentence and "at step 2" in sentence and "scene_0_000" in sentence
    assert not list((tmp_path / "checkpoints").glob("[0-9]*"))


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            ["--config.bilevel.weigting=equal"],
            "config.bilevel.weigting does not exist; did you mean config.bilevel.weighting?",
        ),
        (["--config.steps=-1"], "config.steps is -1; expected at least 0"),
        (["--config.data.name=folder"], "config.data.root is ''; expected the folder that holds ir/ and vi/"),
        (["--config.data.name=folder", "--config.data.root=/no/such/folder"], "/no/such/folder"),
        (["--config.semantic.class_weights=(1.0,2.0)"], "config.semantic.class_weights has 2 values; expected 9"),
    ],
)
def test_bad_usage_exits_2_and_makes_nothing(capsys, tmp_path, arguments, sentence):
    code, printed = run_here(capsys, f"--workdir={tmp_path / 'run'}", *arguments)
    assert code == 2 and sentence in printed
    assert not (tmp_path / "run").exists()


def test_a_missing_config_file_exits_2(command, tmp_path):
    done = command("train", f"--config={tmp_path / 'none.py'}", f"--workdir={tmp_path / 'run'}")
    assert done.returncode == 2 and "there is no such file" in done.stderr and len(done.stderr.splitlines()) == 1


def test_a_workdir_of_another_model_exits_2(capsys, smoke_run):
    code, sentence = run_here(capsys, f"--workdir={smoke_run[0]}", "--config.semantic.width=4")
    assert code == 2 and "config.semantic.width = 8, and this command has 4" in sentence


def test_a_workdir_that_cannot_be_written_exits_2(capsys, tmp_path):
    (tmp_path / "file").write_text("in the way")
    code, sentence = run_here(capsys, f"--workdir={tmp_path / 'file' / 'run'}")
    assert code == 2 and "cannot be written" in sentence


@pytest.mark.slow
def test_mixed_sets_read_by_worker_processes_resume_to_the_same_run(command, tmp_path):
    options = [
        "--config.data.mix=(('scenes','',1.0,'images'),)", "--config.data.mosaic=0.5", "--config.data.scale=(0.9,1.5)",
        "--config.data.misregistration=2", "--config.data.visible_glare=0.5", "--config.rows.steps=0",
        "--config.checkpoint_every=5", "--config.keep_checkpoints=9",
    ]  # fmt: skip
    whole = command("train", f"--config={SMOKE}", f"--workdir={tmp_path / 'whole'}", *options)
    assert whole.returncode == 0, whole.stderr
    options.append("--config.data.workers=2")
    part = command("train", f"--config={SMOKE}", f"--workdir={tmp_path / 'part'}", *options, "--config.steps=1")
    assert part.returncode == 0, part.stderr
    part = command("train", f"--config={SMOKE}", f"--workdir={tmp_path / 'part'}", *options)
    assert part.returncode == 0, part.stderr
    assert timeless_metrics(tmp_path / "whole") == timeless_metrics(tmp_path / "part")
    lines = [json.loads(line) for line in (tmp_path / "part" / "metrics.jsonl").read_text().splitlines()]
    assert all(line["time/wait_s"] >= 0 for line in lines) and lines[-1]["step"] == STEPS


def test_steps_with_a_nan_are_skipped_and_counted_where_the_configuration_says_so(tmp_path, capsys):
    """A learning rate that no parameter survives: the warm start changes nothing, the tenth such step ends the run."""
    options = ["--config.on_nan=skip", "--config.warm_start.learning_rate=1e30", "--config.rows.steps=0"]
    options += ["--config.warm_start.steps=20", "--config.semantic.task=none"]
    code, sentence = run_here(capsys, f"--workdir={tmp_path}", *options)
    assert code == 1 and "at step 10" in sentence and "scene_0_0" in sentence
    assert [line["skipped/warm_start"] for line in timeless_metrics(tmp_path)] == [1.0] * 9


def test_too_little_memory_is_one_sentence(tmp_path, capsys, monkeypatch):
    def exhausted(*_):
        raise jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 8589934592 bytes.")

    monkeypatch.setattr(loop_step, "_take_step", exhausted)
    code, sentence = run_here(capsys, f"--workdir={tmp_path}", "--config.semantic.task=none")
    assert code == 1 and "memory is not enough" in sentence and "--config.accumulate=2" in sentence


def test_a_workdir_of_a_live_run_exits_2(tmp_path, capsys):
    with lock_folder(tmp_path):
        code, sentence = run_here(capsys, f"--workdir={tmp_path}", "--config.semantic.task=none")
    assert code == 2 and "in use by another live run" in sentence


@pytest.mark.slow
def test_two_processes_are_one(tmp_path):
    """Of the same run: the first process writes, the metrics are those of the whole batch.

    Losses agree to rounding. L1's gradient is a sign, so where rounding turns one the update's norm jumps a little.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = ["--config.rows.steps=0"] + [f"--config.{o}.name=sgd" for o in ("warm_start", "inner", "outer")]
    options += ["--config.keep_best=VIF", "--config.validate_every=3", "--config.keep_checkpoints=1"]
    line = [sys.executable, str(ROOT / "experiments" / "train.py"), f"--config={SMOKE}", *options]
    single = subprocess.run([*line, f"--workdir={tmp_path / 'one'}"], capture_output=True, text=True)
    assert single.returncode == 0, single.stderr
    line += [f"--workdir={tmp_path / 'two'}", f"--coordinator=127.0.0.1:{port}", "--num_processes=2"]
    both = [
        subprocess.Popen([*line, f"--process_id={i}"], stdout=subprocess.PIPE, stderr=subprocess.PIPE) for i in range(2)
    ]
    printed = [process.communicate(timeout=400) for process in both]
    assert [process.returncode for process in both] == [0, 0], printed
    assert len(list((tmp_path / "two" / "checkpoints").iterdir())) <= 2 and b"best VIF: " in printed[0][0]
    assert b"best VIF" not in printed[1][0]
    for a, b in zip(timeless_metrics(tmp_path / "one"), timeless_metrics(tmp_path / "two"), strict=True):
        assert a.keys() == b.keys() and a["phase"] == b["phase"]
        for name in a.keys() - {"phase"}:
            tolerance = 0.05 if name.startswith("norm") else 1e-3
            assert a[name] == pytest.approx(b[name], rel=tolerance, abs=1e-5), name


@pytest.mark.slow
def test_a_run_starts_from_the_parameters_of_another_one_and_so_do_the_rows(smoke_run, command, tmp_path):
    """With learning rates of 0 all networks, the rows' too, end as the other run's are."""
    options = [f"--config={SMOKE}", f"--workdir={tmp_path}", "--config.warm_start.steps=1", "--config.steps=0"]
    options += [
        f"--config.{name}.{key}=0." for name in ("warm_start", "rows") for key in ("learning_rate", "weight_decay")
    ]
    options += ["--config.rows.steps=1", "--config.sheet_every=0", f"--config.initial.run={smoke_run[0]}"]
    done = command("train", *options)
    assert done.returncode == 0, done.stderr
    assert f"Arrays taken over from step 12 of {smoke_run[0]}" in done.stdout
    there, here = load_run(smoke_run[0])[1], load_run(tmp_path)[1]
    assert_same(here["outer_params"], there["outer_params"])
    assert_same(here["inner_params"], there["inner_params"])
    for kind in ("ir", "fused"):
        assert_same(load_parameters(tmp_path, f"row_{kind}"), there["inner_params"]["semantic"])
    again = command("train", *options[:-1], "--config.initial.run=/gone/by/now")  # not looked at any more
    assert again.returncode == 0 and "resumed from step 1 of 1" in again.stdout and "taken over" not in again.stdout
