"""One smoke run for all tests of the commands."""

import subprocess
import sys
from pathlib import Path

import pytest
from filelock import FileLock

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
def smoke_run(command, tmp_path_factory, worker_id):
    """A finished run of smoke.py: (its folder, what it printed). All processes of the tests share one."""
    own = tmp_path_factory.getbasetemp()
    shared = own if worker_id == "master" else own.parent
    workdir, printed = shared / "smoke", shared / "smoke.txt"
    with FileLock(shared / "smoke.lock"):
        if not printed.exists():
            done = command("train", f"--config={SMOKE}", f"--workdir={workdir}")
            assert done.returncode == 0, done.stderr
            printed.write_text(done.stdout)
    return workdir, printed.read_text()
