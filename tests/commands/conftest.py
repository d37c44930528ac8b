"""One smoke run for all tests of the commands."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SMOKE = ROOT / "experiments" / "configs" / "smoke.py"


@pytest.fixture(scope="session")
def command():
    """Runs experiments/NAME.py with arguments and returns the finished process."""

    def run(name, *arguments):
        line = [sys.executable, str(ROOT / "experiments" / f"{name}.py"), *map(str, arguments)]
        return subprocess.run(line, capture_output=True, text=True, timeout=300, check=False)

    return run


@pytest.fixture(scope="session")
def smoke_run(command, tmp_path_factory):
    """A finished run of smoke.py: (its folder, what it printed)."""
    workdir = tmp_path_factory.mktemp("run") / "smoke"
    done = command("train", f"--config={SMOKE}", f"--workdir={workdir}")
    assert done.returncode == 0, done.stderr
    return workdir, done.stdout
