"""One smoke run for all tests of the commands, and weights in the place of the package's own."""

import subprocess
import sys
from pathlib import Path

import jax
import numpy as np
import pytest
from filelock import FileLock

from bilevel_jax.checkpoints.weights import Weights, write_weights
from bilevel_jax.inference import pretrained
from bilevel_jax.models import fusion_network
from bilevel_jax.training.config import default_config

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


@pytest.fixture
def pretrained_weights(tmp_path, monkeypatch):
    """A folder of weights in the place of the package's own: an untrained network, from the default scenes."""
    zeros = np.zeros((1, 32, 32, 1), np.float32)
    params = jax.jit(fusion_network("tiny").init)(jax.random.key(0), zeros, zeros)
    code = {"version": "0", "commit": ""}
    for name in (pretrained.DEFAULT, "second"):
        about = Weights(default_config(), {"boxes": [], "labels": []}, 5, code, {"fusion": params})
        write_weights(tmp_path / "weights" / f"{name}.safetensors", about)
    monkeypatch.setattr(pretrained, "FOLDER", tmp_path / "weights")
    return tmp_path / "weights"
