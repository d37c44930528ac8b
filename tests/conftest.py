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


@pytest.fixture(scope="module")
def tiny_networks():
    """Both kinds of task have a network of one convolution, which compiles in no time, for the tests of a module."""
    import flax.linen as nn  # not before the environment is set, and not for tests that need no jax
    import jax.numpy as jnp

    from bilevel_jax.training.tasks.detection import Detection
    from bilevel_jax.training.tasks.segmentation import Segmentation

    stride = 8

    class TinySegmenter(nn.Module):
        num_classes: int

        @nn.compact
        def __call__(self, image):
            return nn.Conv(self.num_classes, (1, 1), name="classify")(image)

    class TinyDetector(nn.Module):
        """Boxes of one stride around each location, which only their size is learnt of."""

        num_classes: int

        @nn.compact
        def __call__(self, image):
            found = nn.Conv(self.num_classes + 5, (stride, stride), (stride, stride), "VALID", name="detect")(image)
            batch, height, width, _ = found.shape
            y, x = jnp.meshgrid(jnp.arange(height), jnp.arange(width), indexing="ij")
            locations = (jnp.stack([y, x], axis=-1).reshape(-1, 2) + 0.5) * stride
            found = found.reshape(batch, height * width, -1)
            distances = stride * jnp.exp(jnp.clip(found[..., :4], -3, 3))
            return {
                "logits": found[..., 5:] - 4.0,
                "boxes": jnp.concatenate([locations - distances[..., :2], locations + distances[..., 2:]], axis=-1),
                "centerness": found[..., 4],
                "locations": locations,
                "strides": jnp.full(len(locations), float(stride)),
                "ranges": jnp.tile(jnp.array([0.0, jnp.inf]), (len(locations), 1)),
            }

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Detection, "network", lambda self, block, names: TinyDetector(len(names)))
        patch.setattr(Segmentation, "network", lambda self, block, names: TinySegmenter(len(names)))
        yield
