"""Part (f): compares a killed and resumed run with an unbroken one, and measures how long the device waits for data."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from bilevel_jax.benchmarks.accelerator.missing_packages import absent, how_to_install
from bilevel_jax.benchmarks.accelerator.results import Row
from bilevel_jax.errors import EXIT_DONE, EXIT_RESUME, RunError

NEEDED = (
    "grain", "ml_collections", "tensorboardX", "tqdm", "PIL", "tifffile", "matplotlib", "pycocotools", "safetensors",
    "imagecodecs", "jaxtyping",
)  # fmt: skip
WITHOUT_END = 1_000_000


def rows(
    *, experiments: str, config: str, seconds: float, save_every: int, environment: Mapping[str, str | None]
) -> Iterator[Row]:
    """Yields two rows: whether the runs are equal bit for bit, and how long a step takes and waits for data.

    The first run trains for `seconds`, including its start and compilation, and is then asked to stop (SIGTERM, so that
    it saves). The second run makes the same number of steps; it is killed (SIGKILL) after half of them and started
    again. The share of waiting is `time/wait_s` over `time/step_s` of metrics.jsonl, summed over the second half of the
    first run's steps.

    Args:
        experiments: the folder that holds train.py and configs/.
        config: file name of a configuration there.
        seconds: the time of the first run.
        save_every: steps between two checkpoints, and steps of the warm start.
        environment: variables that are set for the runs; None = removed. This process itself stays on the CPU and
            leaves the device to the runs.

    Raises:
        RunError: a package that a training run needs is not installed, a run ended in another way than it should, or a
            run made too few steps.
    """
    missing = absent(NEEDED)
    if missing:
        raise RunError(f"a training run needs packages that are {how_to_install(missing)}")
    with tempfile.TemporaryDirectory() as folder:
        runs = _Runs(Path(experiments), config, save_every, environment)
        straight, killed = Path(folder) / "straight", Path(folder) / "killed"
        steps = runs.train_for(straight, seconds)
        saved = runs.kill_at(killed, steps // 2, steps)
        runs.finish(killed, steps)
        yield _comparison(straight, killed, steps, saved)
        yield _waiting(straight)


class _Runs:
    """Starts experiments/train.py with the flags that both runs have in common: no pictures, no table."""

    def __init__(self, experiments: Path, config: str, save_every: int, environment: Mapping[str, str | None]):
        self._save_every = save_every
        self._line = [sys.executable, str(experiments / "train.py"), f"--config={experiments / 'configs' / config}"]
        self._line += [f"--config.warm_start.steps={save_every}", f"--config.checkpoint_every={save_every}"]
        self._line += ["--config.rows.steps=0", "--config.sheet_every=0"]
        both = {**os.environ, **environment}
        self._environment = {name: value for name, value in both.items() if value is not None}

    def train_for(self, workdir: Path, seconds: float) -> int:
        """Trains for so many seconds and returns the number of steps; all of them are saved."""
        process = self._start(workdir, WITHOUT_END)
        try:
            process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGTERM)
        self._end(process, workdir, EXIT_RESUME)
        steps = _steps_written(workdir)
        if steps < 3 * self._save_every:  # the kill must come after a checkpoint
            raise RunError(f"{steps} steps in {seconds:.0f} s are too few to kill a run in the middle; give more time")
        return steps

    def kill_at(self, workdir: Path, step: int, steps: int) -> int:
        """Starts a run of `steps` steps, kills it once it has written `step`, and returns the last step it saved."""
        process = self._start(workdir, steps)
        while process.poll() is None and (_steps_written(workdir) < step or not _saved(workdir)):
            time.sleep(0.01)
        process.kill()
        self._end(process, workdir, -signal.SIGKILL)
        return max(_saved(workdir))

    def finish(self, workdir: Path, steps: int) -> None:
        """Continues a run to its end at `steps` steps."""
        self._end(self._start(workdir, steps), workdir, EXIT_DONE)

    def _start(self, workdir: Path, steps: int) -> subprocess.Popen:
        line = [*self._line, f"--workdir={workdir}", f"--config.steps={steps - self._save_every}"]
        with open(f"{workdir}.log", "a") as log:
            return subprocess.Popen(line, env=self._environment, stdout=log, stderr=log)

    def _end(self, process: subprocess.Popen, workdir: Path, expected: int) -> None:
        code = process.wait()
        if code != expected:
            raise RunError(f"train.py ended with {code}, expected {expected}: {_reason(Path(f'{workdir}.log'))}")


def _reason(log: Path) -> str:
    """The line of a log that says why a run ended; the last lines after an abort are stack frames, which do not."""
    lines = [line.strip() for line in log.read_text().replace("\r", "\n").splitlines() if line.strip()]
    telling = [line for line in lines if "Check failed" in line or line.lower().startswith("error")]
    return (telling or lines or ["it wrote nothing"])[-1]


def _comparison(straight: Path, killed: Path, steps: int, saved: int) -> Row:
    from bilevel_jax.checkpoints.compare import differences  # after the check that its packages are installed

    found = differences(straight, killed)
    how = f"{steps} steps, killed in the middle, resumed from step {saved}"
    verdict = f"FAIL: {len(found)} differences, first {found[0]}" if found else "pass: equal bit for bit"
    return {"what": "killed and resumed", "result": f"{verdict} ({how})", "passed": not found}


def _waiting(workdir: Path) -> Row:
    lines = _metrics(workdir)
    lines = lines[len(lines) // 2 :]
    wait, step = (np.array([line[f"time/{name}_s"] for line in lines]) for name in ("wait", "step"))
    share = 100 * wait.sum() / step.sum()
    images = np.mean([line["time/images_per_s"] for line in lines])
    return {
        "what": "waiting for data",
        "ms": 1e3 * float(np.median(step)),
        "result": f"{share:.1f} % of the time, over the last {len(lines)} steps; {images:.0f} images/s",
        "details": {"share": share, "images_per_s": float(images)},
    }


def _metrics(workdir: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (workdir / "metrics.jsonl").read_text().splitlines()]


def _steps_written(workdir: Path) -> int:
    path = workdir / "metrics.jsonl"
    return path.read_bytes().count(b"\n") if path.exists() else 0


def _saved(workdir: Path) -> list[int]:
    return [int(path.name) for path in (workdir / "checkpoints").glob("*") if path.name.isdigit()]
