"""The plan: what runs, in which order, with which environment, and that the parts take their options."""

import importlib
import inspect
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bilevel_jax.benchmarks.accelerator.plan import both_platforms, parts

EXPERIMENTS = Path(__file__).parents[3] / "experiments"


@pytest.mark.parametrize("small", [True, False])
def test_parts_in_order_with_options_that_their_modules_take(small):
    plan = parts(EXPERIMENTS, small=small)
    names = [part.name for part in plan]
    # What compiles for minutes comes last.
    assert names[0] == "device" and list(dict.fromkeys(name[0] for name in names[1:])) == list("adefbc")
    assert len(set(names)) == len(names)
    for part in plan:
        inspect.signature(importlib.import_module(part.module).rows).bind(**part.options)
        json.dumps(part.options)


def test_precisions_and_single_changes():
    plan = {part.name: part for part in parts(EXPERIMENTS)}
    base = plan["b tf32"].options["changes"]
    assert base == {"data.batch_size": 8}
    changes = [plan[name].options["changes"].items() - base.items() for name in plan if name.startswith("c remat")]
    assert changes == [{("remat", True)}]
    assert plan["c batch 32, tf32"].options["changes"] == {"data.batch_size": 32}
    assert plan["c 384x512, tf32"].options["changes"] == {**base, "data.crop": [384, 512]}
    assert plan["c accumulate 2, tf32"].options["changes"] == {**base, "accumulate": 2}
    assert plan["b bfloat16"].options["changes"] == {**base, "dtype": "bfloat16"}
    key = "JAX_DEFAULT_MATMUL_PRECISION"
    matmul = {name: part.environment.get(key) for name, part in plan.items() if name.startswith("b ")}
    assert matmul == {"b float32": "float32", "b tf32": "tensorfloat32", "b bfloat16": None}
    assert plan["a agreement"].environment["NVIDIA_TF32_OVERRIDE"] == "0"
    assert "NVIDIA_TF32_OVERRIDE" not in plan["b tf32"].environment


def test_the_cpu_is_visible_beside_the_accelerator(monkeypatch):
    assert both_platforms({"JAX_PLATFORMS": "cuda"}) == {"JAX_PLATFORMS": "cuda,cpu"}
    assert both_platforms({"JAX_PLATFORMS": "cpu"}) == both_platforms({}) == {}
    monkeypatch.setenv("JAX_PLATFORMS", "cuda")
    [resume] = [part for part in parts(EXPERIMENTS) if part.name == "f resume"]
    assert resume.environment["JAX_PLATFORMS"] == "cpu"  # it starts runs, which have the device
    assert resume.options["environment"]["JAX_PLATFORMS"] == "cuda"
    assert "--xla_gpu_deterministic_ops=true" in resume.options["environment"]["XLA_FLAGS"]


def test_the_environment_says_what_jax_calls_the_precision():
    code = "import jax; print(jax.config.jax_default_matmul_precision)"
    environment = {**os.environ, "JAX_DEFAULT_MATMUL_PRECISION": "tensorfloat32"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert done.stdout.strip() == "tensorfloat32", done.stderr
