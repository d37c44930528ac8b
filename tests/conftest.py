"""Settings of all tests: CPU, and compilation without the optimisations that a few small steps never earn back."""

import os

os.environ.setdefault("JAX_PLATFORMS", "cpu")
# Compiling is most of the time of these tests: measured 31 s -> 18 s for two of tests/training/test_step.py
# (2-core CPU, 2026-11-22).
os.environ.setdefault("XLA_FLAGS", "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true")
