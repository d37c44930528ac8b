"""A program: builds the wheel, installs it into a clean environment, and uses it from another folder.

python tests/wheel.py     about a minute, most of it pip's; run by .ci/run
"""

import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image

ROOT = Path(__file__).parents[1]


def main() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    tracked = [name for name in listed.splitlines() if (ROOT / name).exists()]
    with tempfile.TemporaryDirectory() as folder:
        wheel = build(tracked, Path(folder))
        check_files(tracked, wheel)
        run([sys.executable, "-m", "venv", "clean"], folder)
        programs = Path(folder, "clean", "bin")
        run([programs / "pip", "install", "-q", "--disable-pip-version-check", wheel], folder)
        fuse_a_pair(programs / "bilevel-fuse", Path(folder))
    print(f"{wheel.name}: complete, and it fuses")


def build(tracked: list[str], folder: Path) -> Path:
    """The wheel of the tracked files alone: a build folder in the tree may hold files that are gone."""
    for name in tracked:
        (folder / "source" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / "source" / name)
    run([sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", folder, folder / "source"], folder)
    (wheel,) = folder.glob("*.whl")
    return wheel


def check_files(tracked: list[str], wheel: Path) -> None:
    wanted = {name for name in tracked if name.startswith("bilevel_jax/")}
    missing = wanted - set(zipfile.ZipFile(wheel).namelist())
    assert not missing, f"the wheel misses {', '.join(sorted(missing))}: see package_data in setup.py"


def fuse_a_pair(command: Path, folder: Path) -> None:
    rng = np.random.default_rng(0)
    for name, shape in (("ir", (48, 64)), ("vis", (48, 64, 3))):
        (folder / name).mkdir()
        Image.fromarray(rng.integers(0, 256, shape, dtype=np.uint8)).save(folder / name / "pair.png")
    run([command, "--ir=ir", "--vis=vis", "--out=out"], folder)
    fused = np.asarray(Image.open(folder / "out" / "pair.png"))
    assert fused.shape == (48, 64, 3) and fused.std() > 20, (fused.shape, fused.std())


def run(line: list, folder: Path) -> str:
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    done = subprocess.run([*map(str, line)], cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{line[0]} ended with {done.returncode}:\n{done.stdout}{done.stderr}"
    return done.stdout


if __name__ == "__main__":
    main()
