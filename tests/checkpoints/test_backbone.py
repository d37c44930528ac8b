"""Files of weights: every format gives the same arrays, and what is no such file is named."""

import sys

import numpy as np
import pytest
from safetensors.numpy import save_file

from bilevel_jax.checkpoints.backbone import read_backbone, read_state_dict, write_backbone
from bilevel_jax.errors import InputError

STATE = {"conv1.weight": np.arange(6, dtype=np.float32).reshape(1, 2, 3, 1), "bn1.bias": np.array([0.5], np.float16)}


def _same(found):
    assert found.keys() == STATE.keys()
    for name, array in STATE.items():
        np.testing.assert_array_equal(found[name], array)


def test_safetensors_and_npz(tmp_path):
    save_file(STATE, tmp_path / "a.safetensors")
    np.savez(tmp_path / "a.npz", **STATE)
    _same(read_state_dict(tmp_path / "a.safetensors"))
    _same(read_state_dict(tmp_path / "a.npz"))


@pytest.mark.parametrize("wrapper", [None, "state_dict", "model"])
def test_torch(tmp_path, wrapper):
    torch = pytest.importorskip("torch")
    state = {name: torch.tensor(array) for name, array in STATE.items()}
    torch.save({wrapper: state, "epoch": 3} if wrapper else state, tmp_path / "a.pth")
    _same(read_state_dict(tmp_path / "a.pth"))


def test_what_cannot_be_read_is_named(tmp_path, monkeypatch):
    with pytest.raises(InputError, match="none.npz does not exist; expected a file of weights"):
        read_state_dict(tmp_path / "none.npz")
    for name, sentence in (
        ("a.onnx", "a.onnx ends in '.onnx'; expected one of .safetensors, .pt, .pth, .bin, .npz"),
        ("a.safetensors", "a.safetensors cannot be read as safetensors"),
        ("a.npz", "a.npz cannot be read as weights"),
    ):
        (tmp_path / name).write_text("no weights")
        with pytest.raises(InputError, match=sentence):
            read_state_dict(tmp_path / name)
    np.savez(tmp_path / "empty.npz")
    with pytest.raises(InputError, match="empty.npz holds no arrays"):
        read_state_dict(tmp_path / "empty.npz")
    monkeypatch.setitem(sys.modules, "torch", None)  # as where it is not installed
    (tmp_path / "a.pth").write_text("weights")
    with pytest.raises(InputError, match="a.pth is a file of torch, which is not installed; expected .safetensors or"):
        read_state_dict(tmp_path / "a.pth")


def test_a_converted_backbone_comes_back(tmp_path):
    path = tmp_path / "folder" / "b.safetensors"
    kernel = np.arange(24, dtype=np.float32).reshape(2, 3, 4).T  # not contiguous: the format writes memory as it is
    size = write_backbone(path, "resnet18", {"params/stem/kernel": kernel}, "a.pth")
    architecture, arrays = read_backbone(path)
    assert architecture == "resnet18" and size == path.stat().st_size
    np.testing.assert_array_equal(arrays["params/stem/kernel"], kernel)
    save_file(STATE, tmp_path / "raw.safetensors")
    with pytest.raises(
        InputError, match="raw.safetensors holds weights of another kind; expected a file that .*backbone"
    ):
        read_backbone(tmp_path / "raw.safetensors")
    (tmp_path / "bad.safetensors").write_text("x")
    with pytest.raises(InputError, match="bad.safetensors cannot be read as safetensors"):
        read_backbone(tmp_path / "bad.safetensors")
