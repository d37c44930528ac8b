"""downstream.py: its inputs, the weights of the package among them, a run, a page, bad usage."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from bilevel_jax.commands import downstream
from bilevel_jax.commands.downstream import downstream_command
from bilevel_jax.commands.downstream_inputs import check_weights, named_inputs
from bilevel_jax.errors import StopSignal, run_command
from bilevel_jax.evaluation.downstream.train_cells import Input
from bilevel_jax.evaluation.leakage import trained_without_test
from bilevel_jax.inference import Fuser, pretrained
from bilevel_jax.training.config import default_config

SMOKE = Path(__file__).parents[2] / "experiments" / "configs" / "smoke.py"


def test_inputs_of_a_comparison(pretrained_weights, tmp_path, monkeypatch, capsys):
    seen = {}

    def compare(config, sets, inputs, *_, **__):
        seen.update(inputs)
        raise StopSignal("here")

    monkeypatch.setattr(downstream, "train_cells", compare)
    line = ["downstream.py", "--task=segmentation", "--data=scenes", "--inputs=ir,pretrained,pretrained:second"]
    assert run_command(downstream_command, line) == 75
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
    assert run_command(downstream_command, [*line, f"--config={config}"]) == 2
    assert "--inputs=pretrained was trained on 100 of the held-out pairs" in capsys.readouterr().err


def test_inputs_take_options_and_their_cells_say_so(pretrained_weights):
    inputs = named_inputs(["vi", "ir+exposed", "max+hue+exposed", "pretrained", "pretrained+hue"], None)
    assert {name: made.kind for name, made in inputs.items()} == {
        "vi": "vis", "ir+exposed": "ir+exposed", "max+exposed+hue": "max+exposed+hue", "pretrained": "fused",
        "pretrained+hue": "fused",
    }  # fmt: skip
    plain, colored = inputs["pretrained"], inputs["pretrained+hue"]
    assert plain.fuser.color == "chroma" and colored.fuser.color == "hue"
    assert colored.origin == {**plain.origin, "color": "hue"} and "color" not in plain.origin


def test_weights_from_before_there_was_a_test_are_marked(monkeypatch):
    """The package's own are: their training lists were whole."""
    names = ("detector", "measures")
    inputs = {name: Input("fused", None, {"weights": name}) for name in names}
    config, source = default_config(), type("Source", (), {"names": ["a"]})()
    config.data.name, config.data.root = "folder", "somewhere"
    notes = check_weights(inputs, "test", source, config)
    assert notes[0].partition(":")[0] == ", ".join(names) and "may have seen the test pairs" in notes[0]
    assert check_weights(inputs, "val", source, config) == []
    later = default_config()
    later.data.name = "folder"
    assert not trained_without_test(later)


@pytest.mark.slow
def test_the_run_beside_its_inputs(command, smoke_run, tmp_path):
    flags = [f"--workdir={smoke_run[0]}", "--inputs=ir,ours,average", "--seeds=0,1", "--steps=2", f"--out={tmp_path}"]
    done = command("downstream", *flags)
    assert done.returncode == 0, done.stderr
    assert "ours - ir" in done.stdout and "ours - average" in done.stdout and "over 2 seeds" in done.stdout
    cell = json.loads((tmp_path / "cells" / "ours" / "seed_1.json").read_text())
    assert cell["origin"] == {"kind": "fused", "workdir": str(smoke_run[0].resolve()), "step": 12}


@pytest.mark.slow
@pytest.mark.parametrize("matched", [False, True])
def test_the_command_trains_detectors(tmp_path, capsys, matched):
    flags = [f"--config={SMOKE}", "--task=detection", "--data=scenes", "--inputs=ir,laplacian", "--seeds=0"]
    flags += [f"--out={tmp_path}", "--steps=2", f"--report={tmp_path / 'page'}"] + ["--matched"] * matched
    assert run_command(downstream_command, ["downstream.py", *flags]) == 0
    said = capsys.readouterr().out
    assert "AP50/person" in said and "ir - laplacian" in said and "test, 4 pairs; per cent" in said
    place = tmp_path / "matched" if matched else tmp_path
    assert sorted(json.loads((place / "comparison.json").read_text())["figures"]) == ["ir", "laplacian"]
    page = (tmp_path / "page" / "index.html").read_text()
    assert "ir - laplacian" in page and "data:image" in page
    assert (place / "cells" / "laplacian" / "seed_0.json").exists()
    assert run_command(downstream_command, ["downstream.py", *flags]) == 0
    assert capsys.readouterr().out == said


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ([], "--inputs is missing"),
        (["--inputs=ir,ours"], "'ours'; expected --workdir"),
        (["--inputs=ir,median"], "'median'; expected a folder of images, or one of ir, vi"),
        (["--inputs=ir,heet"], "'heet'; expected a folder of images, or one of ir, .*; did you mean heat"),
        (["--inputs=ir,max+exposd"], "option 'exposd'.*did you mean exposed"),
        (["--inputs=ir,ours+hue"], "'ours.hue'; expected --workdir"),
        (["--inputs=max+hue+exposed,max+exposed+hue"], "two of the name 'max.exposed.hue'"),
        (["--inputs=ir,ir"], "two of the name 'ir'"),
        (["--inputs==/"], "'=/', that is an empty name; expected NAME=FOLDER"),
        (["--inputs=a/b=/"], "'a/b=/', that is the name 'a/b', which has a slash; expected NAME=FOLDER"),
        (["--inputs="], "--inputs is"),
        (["--inputs=ir", "--seeds=0,one"], "--seeds=0,one"),
        (["--inputs=ir", "--seeds=1,1"], "--seeds=1,1; expected different"),
        (["--inputs=ir", "--reference=vi"], "--reference=vi is none of the inputs; expected one of ir"),
        (["--inputs=ir", "--task=depth"], "depth"),
        (["--inputs=ir", "--data=/nowhere"], "/nowhere"),
        (["--inputs=ir", "--workdir=/nowhere"], "/nowhere"),
    ],
)
def test_bad_usage(flags, message, capsys, tmp_path):
    assert run_command(downstream_command, ["downstream.py", *flags, f"--out={tmp_path / 'out'}"]) == 2
    said = capsys.readouterr().err.strip()
    assert re.search(message, said) and len(said.splitlines()) == 1
    assert not (tmp_path / "out").exists()
