"""Weights by name: in a folder made here, and whatever the package itself brings."""

import os
import shutil
from pathlib import Path

import jax
import numpy as np
import pytest
from ml_collections import ConfigDict

from bilevel_jax.checkpoints.weights import Weights, write_weights
from bilevel_jax.commands import fuse as cli
from bilevel_jax.errors import InputError, run_command
from bilevel_jax.images.files import read_image, write_image
from bilevel_jax.inference import Fuser, pretrained
from bilevel_jax.inference.pairing import find_pairs
from bilevel_jax.metrics import fusion
from bilevel_jax.models import fusion_network

DATA = os.environ.get("BILEVEL_JAX_TEST_DATA")
MOST_BYTES = 2_000_000
TINY = fusion_network("tiny")


@pytest.fixture(scope="module")
def params():
    zeros = np.zeros((1, 32, 32, 1), np.float32)
    fresh = jax.jit(TINY.init)(jax.random.key(0), zeros, zeros)
    rng = np.random.default_rng(0)  # fresh, it gives nearly the mean of its inputs, as anything else might
    return jax.tree.map(lambda leaf: rng.normal(0, 0.1, leaf.shape).astype(np.float32), fresh)


@pytest.fixture
def folder(params, tmp_path, monkeypatch):
    """A folder of weights that stands in for the package's own."""
    folder, config = tmp_path / "weights", ConfigDict({"fusion": {"name": "tiny"}})
    parts = {"fusion": params}
    for name in (pretrained.DEFAULT, "zeros"):
        weights = Weights(config, {"boxes": [], "labels": []}, 5, {"version": "0", "commit": ""}, parts)
        write_weights(folder / f"{name}.safetensors", weights)
        parts = {"fusion": jax.tree.map(np.zeros_like, params)}
    (folder / f"{pretrained.DEFAULT}.md").write_text("# Card\n")
    write_weights(tmp_path / "alone.safetensors", weights._replace(parts={"semantic": params}))
    monkeypatch.setattr(pretrained, "FOLDER", folder)
    return folder


def test_the_network_is_rebuilt_with_its_parameters_and_its_radius(folder, params):
    rng = np.random.default_rng(1)
    ir, vis = rng.random((2, 1, 40, 52, 1)).astype(np.float32)
    own = Fuser(TINY.apply, params, radius=TINY.receptive_radius).luminance(ir, vis)
    np.testing.assert_array_equal(Fuser.pretrained().luminance(ir, vis), own)
    np.testing.assert_allclose(Fuser.pretrained("zeros", folder).luminance(ir, vis), (ir + vis) / 2, atol=1e-6)
    assert np.abs(own - (ir + vis) / 2).max() > 0.01
    assert Fuser.pretrained()._radius == TINY.receptive_radius


def test_weights_of_another_version_of_a_network_are_refused(params, tmp_path):
    other = jax.tree.map(lambda leaf: leaf[None], params)
    weights = Weights(
        ConfigDict({"fusion": {"name": "tiny"}}),
        {"boxes": [], "labels": []},
        5,
        {"version": "0", "commit": ""},
        {"fusion": other},
    )
    write_weights(tmp_path / "old.safetensors", weights)
    with pytest.raises(InputError, match=r"not those of today's network tiny: .* has the shape .* instead of"):
        Fuser.from_weights(tmp_path / "old.safetensors")


@pytest.mark.parametrize("name", pretrained.pretrained_names())
def test_the_packages_own_weights_are_of_this_version(name, tmp_path):
    shutil.copy(pretrained.pretrained_file(name), tmp_path)  # of the package itself they are not checked at each start
    Fuser.from_weights(tmp_path / f"{name}.safetensors")


def test_names_that_are_not_known(folder, tmp_path):
    with pytest.raises(InputError, match=rf"no pretrained weights 'other'; expected one of {pretrained.DEFAULT}, zero"):
        Fuser.pretrained("other")
    with pytest.raises(InputError, match="which has none"):
        Fuser.pretrained(folder=tmp_path / "empty")
    with pytest.raises(InputError, match="only semantic; expected the part fusion too"):
        Fuser.from_weights(tmp_path / "alone.safetensors")


def test_the_command_uses_them_and_says_so(folder, tmp_path, capsys):
    rng = np.random.default_rng(2)
    for camera in ("ir", "vi"):
        write_image(tmp_path / f"{camera}.png", rng.integers(0, 256, (33, 40)).astype(np.uint8))
    line = ["bilevel-fuse", f"--ir={tmp_path / 'ir.png'}", f"--vis={tmp_path / 'vi.png'}", f"--out={tmp_path / 'out'}"]
    pair = [read_image(tmp_path / f"{camera}.png") for camera in ("ir", "vi")]
    assert run_command(cli.fuse_command, line) == 0
    name = pretrained.DEFAULT
    said = capsys.readouterr().out
    assert f"Fusing with the weights {name}; their model card is {folder / name}.md" in said
    np.testing.assert_array_equal(read_image(tmp_path / "out" / "vi.png"), Fuser.pretrained().fuse(*pair))
    for given in ("zeros", folder / "zeros.safetensors"):  # by name, and as a file
        assert run_command(cli.fuse_command, [*line, f"--weights={given}"]) == 0
        assert "Fusing with the weights zeros\n" in capsys.readouterr().out
        difference = read_image(tmp_path / "out" / "vi.png") - (pair[0] / 2 + pair[1] / 2)
        assert np.abs(difference).max() <= 0.5


def test_what_the_package_brings_is_small_has_a_card_and_a_default():
    names = pretrained.pretrained_names()
    for name in names:
        file = pretrained.pretrained_file(name)
        assert file.stat().st_size <= MOST_BYTES and file.with_suffix(".md").read_text().startswith("# ")
    assert pretrained.DEFAULT in names


@pytest.mark.parametrize("level, person", [(0.05, 0.05), (0.2, 0.2), (0.5, 0.25)])
def test_the_default_shows_somebody_warm_and_keeps_what_the_visible_camera_sees(level, person):
    """By night, and by day somebody darker than the street: brighter than it, and the rest of the picture stays."""
    texture = np.random.default_rng(0).normal(0, 0.02, (96, 128)).astype(np.float32)
    ir, vis = np.full((96, 128), 0.2, np.float32), np.clip(level + texture, 0, 1)
    ir[40:60, 60:68], vis[40:60, 60:68] = 0.6, person
    fused = Fuser.pretrained().fuse(ir, vis)
    assert fused[43:57, 62:66].mean() > fused[20:30, 40:90].mean() + 0.1
    np.testing.assert_allclose(fused[:24], vis[:24], atol=0.06)


def test_the_detector_weights_keep_the_stronger_detail_of_both_cameras():
    """Stripes that only one camera sees, each in its own half: both are in the fused image, at least as strong."""
    rows, columns = np.mgrid[:96, :128]
    stripes, left = 0.2 * np.sin(rows / 2), columns < 64
    ir, vis = np.where(left, 0.4 + stripes, 0.4), np.where(left, 0.5, 0.5 + stripes)
    fused = Fuser.pretrained("detector").fuse(ir.astype(np.float32), vis.astype(np.float32))
    assert fused.shape == (96, 128) and 0 <= fused.min() and fused.max() <= 1
    for half in (np.s_[16:-16, 16:48], np.s_[16:-16, 80:112]):
        assert fused[half].std() > 0.8 * stripes[half].std()


@pytest.mark.skipif(not DATA, reason="BILEVEL_JAX_TEST_DATA is not set: needs the VIFB pairs")
@pytest.mark.parametrize(
    "name, expected", [("heat", (0.895, 0.645, 1.335)), ("detector", (0.879, 0.652, 1.634))], ids=("heat", "detector")
)
def test_weights_are_as_good_as_their_cards_say(name, expected):
    """On the 11 VIFB pairs."""
    fuser, values = Fuser.pretrained(name), []
    for ir, vis in find_pairs(Path(DATA) / "vifb" / "ir", Path(DATA) / "vifb" / "vi").values():
        pair = [read_image(path) for path in (ir, vis)]
        values.append(fusion.evaluate(*pair, fuser.fuse(*pair), names=("VIF", "Qabf", "SCD")))
    means = [np.mean([value[measure] for value in values]) for measure in ("VIF", "Qabf", "SCD")]
    np.testing.assert_allclose(means, expected, atol=0.002)
