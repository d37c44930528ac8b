"""Packages that are not there: what stands in for them, and that parts run without them."""

import os
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from bilevel_jax import command_line
from bilevel_jax.benchmarks.accelerator import missing_packages, plain_config
from bilevel_jax.benchmarks.accelerator.plan import TINY, Part, parts
from bilevel_jax.benchmarks.accelerator.schedule import run_process
from bilevel_jax.training import config as run_config

EXPERIMENTS = Path(__file__).parents[3] / "experiments"
# Python reads a module of this name at its start: these packages are then as if they were not installed.
HIDING = f"""
import importlib.machinery as machinery
HIDDEN = {[*missing_packages.PIP_NAMES, "grain", "array_record", "tensorflow", "torch"]!r}
find = machinery.PathFinder.find_spec.__func__

def find_spec(cls, name, path=None, target=None):
    return None if name.split(".")[0] in HIDDEN else find(cls, name, path, target)

machinery.PathFinder.find_spec = classmethod(find_spec)
"""


@pytest.fixture
def bare(tmp_path, monkeypatch):
    """Child processes see little more than jax, flax, optax and orbax."""
    (tmp_path / "sitecustomize.py").write_text(HIDING)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))


# Two parts in one process, to import once; without the detector, which takes half a minute to compile.
BOTH = """
from bilevel_jax.benchmarks.accelerator import agreement, training_steps

def rows(*, a, b):
    yield from agreement.rows(**a)
    yield from training_steps.rows(**b)
"""


def test_agreement_and_training_steps_without_the_packages(bare, tmp_path):
    (tmp_path / "both.py").write_text(BOTH)
    plan = {part.name: part for part in parts(EXPERIMENTS, small=True, changes={"semantic.task": "none"})}
    step = plan["b bfloat16"]
    options = {"a": plan["a agreement"].options, "b": step.options}
    rows, error, _ = run_process(Part("both", "both", options, step.environment), timeout=200)
    assert error is None
    whats = ["core", "training step, inner", "training step, outer", "inner step", "outer step"]
    assert [row["what"] for row in rows] == whats
    assert all(row["passed"] and "CPU against itself" in row["result"] for row in rows[:3])
    assert "upgrad's update" in rows[0]["details"] and "hypergradient" in rows[2]["details"]
    inner, outer = rows[3:]
    assert outer["tflop"] > inner["tflop"] > 1e-6  # two batches through the fusion network, and back
    assert outer["peak_mib"] > inner["peak_mib"] > 0.1 and outer["ms"] > 0 and outer["compile_s"] > 0
    assert outer["share"] is None and "memory by the compiler" in outer["result"]


def test_a_whole_run_without_the_packages_says_what_to_install(bare):
    [part] = [part for part in parts(EXPERIMENTS, small=True) if part.name == "f resume"]
    rows, error, _ = run_process(part, timeout=60)
    assert rows == [] and "pip install grain ml-collections" in error and "pillow" in error


def benchmark(*arguments):
    line = [sys.executable, str(EXPERIMENTS / "benchmark.py"), *arguments]
    environment = {**os.environ, "PYTHONPATH": f"{EXPERIMENTS.parent}{os.pathsep}{os.environ['PYTHONPATH']}"}
    return subprocess.run(line, capture_output=True, text=True, env=environment)


def test_the_command_itself_begins_without_the_packages(bare):
    done = benchmark("accelerator", "--minutes=1")
    assert done.returncode == 2 and "--out is missing" in done.stderr


def test_the_core_is_measured_without_the_packages(bare):
    done = benchmark("core", "--networks=tiny", "--tasks=2", "--weightings=equal", "--estimators=", "--repeats=1")
    assert done.returncode == 0 and "| equal " in done.stdout, done.stderr


def test_what_is_taken_from_a_stand_in_raises_when_it_is_called():
    thing = missing_packages.Absent("PIL.Image")
    for annotation in (thing.open | None, None | thing.open, thing["b h w 1"]):
        assert isinstance(annotation, missing_packages.Absent)
    with pytest.raises(ModuleNotFoundError, match="PIL.Image.open: not installed: PIL; pip install pillow"):
        thing.open("x.png")


def test_installed_packages_are_not_absent():
    assert missing_packages.absent(["numpy", "jax", "no_such_package"]) == ["no_such_package"]


def test_plain_config_is_the_real_one_as_far_as_it_goes(monkeypatch):
    real = runpy.run_path(str(EXPERIMENTS / "configs" / "paper.py"))["get_config"]()
    monkeypatch.setattr(run_config, "ConfigDict", plain_config.ConfigDict)
    monkeypatch.setattr(run_config, "FieldReference", plain_config.FieldReference)
    monkeypatch.setattr(command_line, "ConfigDict", plain_config.ConfigDict)
    plain = runpy.run_path(str(EXPERIMENTS / "configs" / "paper.py"))["get_config"]()
    assert plain.to_dict() == real.to_dict() and sorted(plain) == list(real)  # which sorts
    plain.data.root = "x"
    checked = run_config.check_config(plain)
    with pytest.raises(KeyError, match="locked.*'remt'"):
        checked.remt = True
    with pytest.raises(AttributeError, match="'remt'"):
        _ = checked.remt
    with checked.unlocked():
        checked.update({"more": {"depth": 1}, "data": {"block": 7}})
    assert checked.more.depth == 1 and checked.data.block == 7 and checked.data.root == "x"
    with pytest.raises(KeyError):
        checked.data.other = 1


def test_the_tiny_sizes_change_keys_that_exist():
    known = set(command_line.config_keys(run_config.default_config()))
    assert set(TINY) <= known
