"""Settings of all tests: CPU, little optimisation, and one folder of compiled programs for all processes and runs."""

import os

import pytest

os.environ.setdefault("JAX_PLATFORMS", "cpu")
# Compiling is most of the time of these tests. Seconds of CPU time for tests/training/test_step.py, test_fcos.py and
# test_segmentation.py of models: 157 without the last of these flags, 106 with it (2-core CPU, 2026-11-27).
os.environ.setdefault(
    "XLA_FLAGS",
    "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true "
    "--xla_backend_extra_options=xla_cpu_disable_new_fusion_emitters",
)
# Before jaxlib 0.10.2 every program that is loaded is logged as an error that is none (bilevel_jax/compilation.py).
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0.1")


def pytest_configure(config: pytest.Config) -> None:
    # Read by JAX when a test module imports it, and by the processes of xdist, which inherit it.
    if "JAX_COMPILATION_CACHE_DIR" not in os.environ and hasattr(config, "cache"):
        os.environ["JAX_COMPILATION_CACHE_DIR"] = str(config.cache.mkdir("xla"))
