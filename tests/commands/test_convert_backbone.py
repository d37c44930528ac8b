"""convert.py backbone: from another package's file to one of ours."""

import json
from pathlib import Path

import numpy as np
import pytest

from bilevel_jax.checkpoints.backbone import read_backbone
from bilevel_jax.commands.convert_backbone import backbone_command
from bilevel_jax.errors import InputError
from bilevel_jax.models.imported import convert

SHAPES = Path(__file__).parents[1] / "golden" / "backbones.npz"


@pytest.fixture(scope="module")
def state():
    rng = np.random.default_rng(0)
    shapes = json.loads(str(np.load(SHAPES)["mit_b0/shapes"]))
    return {name: rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}


def test_the_file_has_what_the_state_dict_has(state, tmp_path, capsys):
    weights, out = tmp_path / "mit_b0.npz", tmp_path / "b0.safetensors"
    np.savez(weights, **state)
    backbone_command(["convert.py", f"--weights={weights}", f"--out={out}"])
    architecture, arrays = read_backbone(out)
    expected = convert(state, "mit_b0.npz")
    assert architecture == "mit_b0" and arrays.keys() == expected.arrays.keys()
    for key, array in expected.arrays.items():
        np.testing.assert_array_equal(arrays[key], array)
    said = capsys.readouterr().out
    assert "mit_b0: 208 arrays of mit_b0.npz became 192, 3,319,392 parameters\n" in said
    assert f"  --config.semantic.network=segformer_b0 --config.semantic.backbone={out}\n" in said


def test_mistakes_are_named(state, tmp_path):
    weights = tmp_path / "mit_b0.npz"
    np.savez(weights, **{name: array for name, array in state.items() if "key.bias" not in name})
    with pytest.raises(InputError, match="mit_b0.npz does not fit mit_b0: 8 missing: .*attention.self.key.bias"):
        backbone_command(["convert.py", f"--weights={weights}", f"--out={tmp_path / 'b0.safetensors'}"])
    assert not (tmp_path / "b0.safetensors").exists()
    with pytest.raises(InputError, match="b0.npz; expected a file name that ends in .safetensors"):
        backbone_command(["convert.py", f"--weights={weights}", f"--out={tmp_path / 'b0.npz'}"])
