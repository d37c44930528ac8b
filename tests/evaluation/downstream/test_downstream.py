"""The downstream comparison: tiny networks on tiny scenes, stopped and continued; mixed inputs; bad usage."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from bilevel_jax.commands.downstream import check_unseen, downstream_command
from bilevel_jax.data.scenes import SceneSource
from bilevel_jax.data.sets import open_sets
from bilevel_jax.errors import InputError, StopSignal, run_command
from bilevel_jax.evaluation.downstream import compare_inputs as downstream
from bilevel_jax.evaluation.downstream.compare_inputs import Input, compare_inputs
from bilevel_jax.evaluation.inputs import ConcatenatedInputs, InputSource
from bilevel_jax.images.files import write_image
from bilevel_jax.training.config import check_config, default_config

SMOKE = Path(__file__).parents[3] / "experiments" / "configs" / "smoke.py"
INPUTS = {name: Input(kind, None, {"kind": kind}) for name, kind in (("vi", "vis"), ("max", "max"))}


def _config():
    config = default_config()
    config.data.num_train, config.data.num_validation, config.data.num_test = 6, 3, 4
    config.data.height, config.data.width = 48, 64
    config.data.crop = (48, 48)
    config.semantic.depth, config.semantic.width, config.semantic.channels = 10, 8, 16
    config.rows.steps, config.rows.batch_size = 2, 2
    return config


@pytest.fixture(scope="module")
def pairs():
    return SceneSource(3, seed=1, height=48, width=64)


def test_a_mixture_has_every_record_with_every_kind(pairs):
    brighter = InputSource(pairs, "max")
    mixed = ConcatenatedInputs([InputSource(pairs, "ir"), brighter])
    assert len(mixed) == 6 and mixed.names == pairs.names * 2
    for i in range(3):
        np.testing.assert_array_equal(mixed[i]["vis"][..., :1], pairs[i]["ir"])
        np.testing.assert_array_equal(mixed[i + 3]["labels"], pairs[i]["labels"])
        np.testing.assert_array_equal(mixed[i + 3]["vis"], brighter.images[i])
        assert mixed[i + 3]["index"] == i + 3


def test_fused_images_of_a_folder(pairs, tmp_path):
    for i, name in enumerate(pairs.names):
        write_image(tmp_path / f"{name}.png", np.full((48, 64), 10 * i, np.uint8))
    source = InputSource(pairs, tmp_path)
    assert source[2]["vis"].shape == (48, 64, 3) and (source[2]["vis"] == 20).all()
    write_image(tmp_path / f"{pairs.names[1]}.png", np.zeros((64, 48), np.uint8))
    with pytest.raises(InputError, match=f"{pairs.names[1]}.png has 48 x 64 pixels; expected 64 x 48"):
        InputSource(pairs, tmp_path)
    (tmp_path / f"{pairs.names[0]}.png").unlink()
    with pytest.raises(InputError, match=rf"lacks 1 of 3 images \({pairs.names[0]}\)"):
        InputSource(pairs, tmp_path)


def test_a_run_that_saw_the_held_out_pairs_is_refused(tmp_path):
    config, trained = _config(), default_config()
    test = open_sets(config.data, config.seed).test
    trained.data.num_train = 11  # and scenes 9 ... 12 are tested on
    with pytest.raises(InputError, match=r"trained on 2 of the held-out pairs \(scene_0_00009, scene_0_00010\)"):
        check_unseen(trained, test, config)
    trained.seed = 1  # other scenes
    check_unseen(trained, test, config)
    for name in "abcdefgh":
        for camera in ("ir", "vi"):
            write_image(tmp_path / camera / f"{name}.png", np.zeros((48, 64), np.uint8))
    for file, names in (
        ("train.txt", "a\nb\nc\nd\ne\n"),
        ("val.txt", "f\n"),
        ("other.txt", "f\ng\nh\n"),
        ("rest.txt", "a\n"),
    ):
        (tmp_path / file).write_text(names)
    for own in (config, trained):
        own.data.name, own.data.root = "folder", str(tmp_path)
    trained.data.train_list, trained.data.validation_list = "other.txt", "rest.txt"
    trained.data.test_share = 0.0
    sets = open_sets(config.data, 0)
    with pytest.raises(InputError, match=r"trained on 1 of the held-out pairs \(f\)"):
        check_unseen(trained, sets.validation, config)
    trained.data.train_list, trained.data.validation_list = "train.txt", "val.txt"
    check_unseen(trained, sets.validation, config)
    # A run from before there was a test has seen what is cut out now; one from today has not.
    del trained.data.test_share, trained.data.test_list, trained.data.test_split
    with pytest.raises(InputError, match=rf"trained on 1 of the held-out pairs \({sets.test.names[0]}\)"):
        check_unseen(trained, sets.test, config)
    trained.data.test_share = 0.2
    check_unseen(trained, sets.test, config)


@pytest.mark.slow
def test_stopped_and_continued(tmp_path, monkeypatch):
    config = check_config(_config())
    sets = open_sets(config.data, config.seed)
    trained = []
    train = downstream.SemanticTrainer.train

    def counted(self, source, title, *rest):
        trained.append(title)
        return train(self, source, title, *rest)

    monkeypatch.setattr(downstream.SemanticTrainer, "train", counted)
    steps = iter(range(10**6))

    def stop_in_the_second_training():
        next(steps)
        if len(trained) == 2:
            raise StopSignal("now")

    with pytest.raises(StopSignal):
        compare_inputs(config, sets, INPUTS, [0, 1], tmp_path, check_stop=stop_in_the_second_training)
    assert trained == ["vi, seed 0", "vi, seed 1"]
    first = (tmp_path / "cells" / "vi" / "seed_0.json").read_bytes()
    cells = compare_inputs(config, sets, INPUTS, [0, 1], tmp_path)
    assert trained[2:] == ["vi, seed 1", "max, seed 0", "max, seed 1"]
    assert (tmp_path / "cells" / "vi" / "seed_0.json").read_bytes() == first
    assert all(len(cells[name][seed]["names"]) == 4 for name in INPUTS for seed in (0, 1))
    assert cells["vi"][0]["confusions"] != cells["vi"][1]["confusions"]
    # Nothing is left to do; what was made with other settings is not mixed in.
    assert compare_inputs(config, sets, INPUTS, [0, 1], tmp_path) == cells and len(trained) == 5
    other = _config()
    other.rows.steps = 3
    with pytest.raises(InputError, match="rows.steps = 2, and it is 3 now"):
        compare_inputs(check_config(other), sets, INPUTS, [0], tmp_path)
    # Nor are cells of another split.
    assert cells["vi"][0]["split"] == "test" and set(cells["vi"][0]["names"]) == set(sets.test.names)
    with pytest.raises(InputError, match="split = 'test', and it is 'val' now"):
        compare_inputs(config, sets, INPUTS, [0], tmp_path, split="val")


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
        (["--inputs=ir,ir"], "two of the name 'ir'"),
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
