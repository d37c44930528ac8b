"""What an import loads: the mathematics loads nothing of pictures and data, the package alone loads nothing at all."""

import subprocess
import sys

import pytest

import bilevel_jax

# Packages that the other rooms need and the mathematics does not.
HEAVY = (
    "PIL flax grain imagecodecs matplotlib ml_collections onnx onnxruntime orbax pycocotools safetensors scipy "
    "tensorboardX tensorflow tensorflow_datasets tifffile torch tqdm"
).split()


def loaded(code):
    """Names of the modules that a fresh process has after `code`."""
    line = [sys.executable, "-c", f"{code}\nimport sys; print(*sys.modules)"]
    return set(subprocess.run(line, capture_output=True, text=True, check=True).stdout.split())


@pytest.mark.parametrize(
    "code", ["import bilevel_jax.bilevel", "from bilevel_jax import dynamic_aggregate, task_gradients"]
)
def test_the_mathematics_loads_neither_pictures_nor_data(code):
    modules = loaded(code)
    assert not modules & set(HEAVY)
    rooms = {name.split(".")[1] for name in modules if name.startswith("bilevel_jax.")}
    assert rooms == {"bilevel"}


def test_the_package_itself_loads_nothing_until_it_is_asked():
    modules = loaded("import bilevel_jax; assert bilevel_jax.__version__")
    assert not modules & {*HEAVY, "jax", "numpy"}
    assert {name for name in modules if name.startswith("bilevel_jax")} == {"bilevel_jax"}


def test_what_a_user_reaches_for_first():
    from bilevel_jax import Fuser, dynamic_aggregate, task_gradients
    from bilevel_jax.bilevel import dynamic_aggregate as aggregate
    from bilevel_jax.bilevel import task_gradients as gradients
    from bilevel_jax.inference import Fuser as fuser

    assert (Fuser, dynamic_aggregate, task_gradients) == (fuser, aggregate, gradients)
    assert {*bilevel_jax.__all__, "__version__"} <= set(dir(bilevel_jax))
    with pytest.raises(AttributeError, match="module 'bilevel_jax' has no attribute 'Fusor'"):
        _ = bilevel_jax.Fusor
