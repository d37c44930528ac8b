"""The package's own weights among the inputs of a comparison and the methods of a leaderboard."""

import json

import jax
import numpy as np
import pytest

from bilevel_jax.checkpoints.weights import Weights, write_weights
from bilevel_jax.commands import downstream as downstream_command
from bilevel_jax.commands.evaluate import evaluate_command
from bilevel_jax.errors import StopSignal, run_command
from bilevel_jax.images.files import read_image, write_image
from bilevel_jax.inference import Fuser, pretrained
from bilevel_jax.metrics import fusion
from bilevel_jax.models import fusion_network
from bilevel_jax.training.config import default_config


@pytest.fixture
def weights(tmp_path, monkeypatch):
    """A folder of weights in the place of the package's own: an untrained network, from the default scenes."""
    zeros = np.zeros((1, 32, 32, 1), np.float32)
    params = jax.jit(fusion_network("tiny").init)(jax.random.key(0), zeros, zeros)
    code = {"version": "0", "commit": ""}
    for name in (pretrained.DEFAULT, "second"):
        about = Weights(default_config(), {"boxes": [], "labels": []}, 5, code, {"fusion": params})
        write_weights(tmp_path / "weights" / f"{name}.safetensors", about)
    monkeypatch.setattr(pretrained, "FOLDER", tmp_path / "weights")
    return tmp_path / "weights"


def test_inputs_of_a_comparison(weights, tmp_path, monkeypatch, capsys):
    seen = {}

    def compare(config, sets, inputs, *_, **__):
        seen.update(inputs)
        raise StopSignal("here")

    monkeypatch.setattr(downstream_command, "compare_inputs", compare)
    line = ["downstream.py", "--task=segmentation", "--data=scenes", "--inputs=ir,pretrained,pretrained:second"]
    assert run_command(downstream_command.downstream_command, line) == 75
    assert list(seen) == ["ir", "pretrained", "second"] and seen["pretrained"].kind == "fused"
    images = np.random.default_rng(0).integers(0, 256, (2, 40, 40)).astype(np.uint8)
    np.testing.assert_array_equal(seen["second"].fuser.fuse(*images), Fuser.pretrained("second").fuse(*images))
    # Cells are kept by the file's content: other weights of the same name are another input.
    origin = seen["pretrained"].origin
    assert origin["weights"] == pretrained.DEFAULT and len(origin["sha256"]) == 64
    # A network that was trained on the pairs that are tested is refused: these scenes are among its 400.
    config = tmp_path / "few.py"
    config.write_text(
        "from bilevel_jax.training.config import default_config\n"
        "def get_config():\n    config = default_config()\n    config.data.num_train = 40\n    return config\n"
    )
    assert run_command(downstream_command.downstream_command, [*line, f"--config={config}"]) == 2
    assert "--inputs=pretrained was trained on 100 of the held-out pairs" in capsys.readouterr().err


def test_weights_from_before_there_was_a_test_are_marked(monkeypatch):
    """The package's own are: their training lists were whole."""
    names = ("pyramid", "measures")
    inputs = {name: downstream_command.Input("fused", None, {"weights": name}) for name in names}
    config, source = default_config(), type("Source", (), {"names": ["a"]})()
    config.data.name, config.data.root = "folder", "somewhere"
    notes = downstream_command._check_weights(inputs, "test", source, config)
    assert [note.partition(":")[0] for note in notes] == list(names) and "may have seen the test pairs" in notes[0]
    assert downstream_command._check_weights(inputs, "val", source, config) == []
    later = default_config()
    later.data.name = "folder"
    assert not downstream_command.knew_no_test(later)


def test_a_method_of_a_leaderboard(weights, tmp_path, monkeypatch, capsys):
    rng, root = np.random.default_rng(1), tmp_path / "pairs"
    for name in ("a", "b"):
        for camera in ("ir", "vi"):
            write_image(root / camera / f"{name}.png", rng.integers(0, 256, (40, 48)).astype(np.uint8))
    scored = []

    def evaluate(ir, vis, fused, **_):
        scored.append(fused)
        return dict.fromkeys(fusion.FAMILIES["paper"], 1.0)

    monkeypatch.setattr("bilevel_jax.metrics.fusion.evaluate", evaluate)
    line = ["evaluate.py", f"--ir={root / 'ir'}", f"--vis={root / 'vi'}", "--fused=pretrained"]
    assert run_command(evaluate_command, [*line, f"--out={tmp_path / 'out'}"]) == 0
    pair = [read_image(root / camera / "a.png") for camera in ("ir", "vi")]
    np.testing.assert_array_equal(scored[0], Fuser.pretrained().fuse(*pair))
    rows = json.loads((tmp_path / "out" / "leaderboard.json").read_text())["rows"]
    assert {"pretrained", "max"} < {row["name"] for row in rows}
    np.testing.assert_array_equal(read_image(tmp_path / "out" / "fused" / "pretrained" / "a.png"), scored[0])
    before = set((tmp_path / "out").rglob("*"))
    assert run_command(evaluate_command, line) == 0 and set((tmp_path / "out").rglob("*")) == before  # nothing is left
    capsys.readouterr()
    assert run_command(evaluate_command, [*line, "--fused=pretrained"]) == 2
    assert "--fused has 'pretrained' twice" in capsys.readouterr().err
    assert run_command(evaluate_command, [*line, "--fused=pretrained:third"]) == 2
    assert "no pretrained weights 'third'; expected one of" in capsys.readouterr().err
