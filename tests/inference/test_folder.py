"""Files in, fused files out; the console command and its mistakes."""

import re

import jax
import numpy as np
import pytest
from ml_collections import ConfigDict

from bilevel_jax.checkpoints import Run
from bilevel_jax.commands import fuse as cli
from bilevel_jax.errors import InputError, run_command
from bilevel_jax.images.files import read_image, write_image
from bilevel_jax.inference import Fuser, TrivialFuser, fuse_files, pretrained
from bilevel_jax.models import fusion_network


@pytest.fixture(scope="module")
def average():
    return Fuser(lambda params, ir, luminance: (ir + luminance) / 2, {}, radius=0)


@pytest.fixture
def pairs(tmp_path):
    """Three pairs: colour, grey, and one of 16 bit, in files of several formats and odd sizes."""
    rng = np.random.default_rng(0)
    for stem, size, ir_kind, vis_kind, vis_shape, dtype in [
        ("a", (31, 45), "png", "jpg", (31, 45, 3), np.uint8),
        ("b", (64, 33), "bmp", "png", (64, 33, 1), np.uint8),
        ("c", (20, 20), "png", "tif", (20, 20, 3), np.uint16),
    ]:
        write_image(tmp_path / "ir" / f"{stem}.{ir_kind}", rng.integers(0, 256, size).astype(np.uint8))
        visible = rng.integers(0, np.iinfo(dtype).max, vis_shape).astype(dtype)
        write_image(tmp_path / "vi" / f"{stem}.{vis_kind}", visible)
    return tmp_path


def test_a_folder(average, pairs, capsys):
    written = fuse_files(average, pairs / "ir", pairs / "vi", pairs / "out")
    assert [path.name for path in written] == ["a.png", "b.png", "c.png"]
    assert sorted(path.name for path in (pairs / "out").iterdir()) == ["a.png", "b.png", "c.png"]
    for path, source in zip(written, ("a.jpg", "b.png", "c.tif"), strict=True):
        fused, visible = read_image(path), read_image(pairs / "vi" / source)
        assert fused.shape == visible.shape and fused.dtype == visible.dtype
    grey = read_image(pairs / "ir" / "b.bmp") / 2 + read_image(pairs / "vi" / "b.png") / 2
    np.testing.assert_array_equal(read_image(pairs / "out" / "b.png"), np.floor(grey + 0.5))
    assert re.search(rf"Fused 3 pair\(s\) in [\d.]+ s into {pairs / 'out'}", capsys.readouterr().out)


def test_two_files_need_not_have_one_name(average, pairs):
    write_image(pairs / "thermal.png", np.zeros((31, 45), np.uint8))
    (written,) = fuse_files(average, pairs / "thermal.png", pairs / "vi" / "a.jpg", pairs / "out", suffix="bmp")
    assert written.name == "a.bmp" and read_image(written).shape == (31, 45, 3)


def test_raw_counts_are_scaled(average, tmp_path):
    counts = np.linspace(7000, 9000, 400).reshape(20, 20).astype(np.uint16)
    write_image(tmp_path / "ir.png", counts)
    write_image(tmp_path / "vi.png", np.zeros((20, 20), np.uint8))
    (written,) = fuse_files(average, tmp_path / "ir.png", tmp_path / "vi.png", tmp_path / "robust")
    assert read_image(written).max() == 128 and read_image(written).min() == 0  # not 9000 / 65535 of the half
    (written,) = fuse_files(
        average, tmp_path / "ir.png", tmp_path / "vi.png", tmp_path / "given", infrared_range=(6000, 10000)
    )
    assert read_image(written).min() == 32 and read_image(written).max() == 96  # a quarter and three quarters, halved


@pytest.mark.parametrize(
    "spoil, message",
    [
        (lambda root: (root / "vi" / "a.png").write_bytes(b""), "a.jpg and .*a.png have one name"),
        (lambda root: [path.unlink() for path in (root / "ir").iterdir()], "ir holds no image"),
        (lambda root: (root / "ir").rename(root / "elsewhere"), "--ir=.*does not exist"),
        (lambda root: (root / "out").write_text(""), "out.*cannot be written"),
    ],
)
def test_bad_folders(average, pairs, spoil, message):
    spoil(pairs)
    with pytest.raises(InputError, match=message):
        fuse_files(average, pairs / "ir", pairs / "vi", pairs / "out")
    assert not (pairs / "out").is_dir() or not list((pairs / "out").iterdir())


def test_an_unreadable_image_does_not_stop_the_others(average, pairs):
    data = (pairs / "vi" / "b.png").read_bytes()
    (pairs / "vi" / "b.png").write_bytes(data[: len(data) // 2])
    with pytest.raises(InputError, match="b.png"):
        fuse_files(average, pairs / "ir", pairs / "vi", pairs / "out")
    assert sorted(path.name for path in (pairs / "out").iterdir()) == ["a.png", "c.png"]
    assert read_image(pairs / "out" / "a.png").shape == (31, 45, 3)


def test_sizes_that_differ_name_the_files(average, pairs):
    write_image(pairs / "vi" / "b.png", np.zeros((33, 64), np.uint8))
    with pytest.raises(InputError, match="b.bmp and .*b.png: .*33 x 64 pixels and the visible 64 x 33"):
        fuse_files(average, pairs / "ir", pairs / "vi", pairs / "out")


def test_what_else_is_refused(average, pairs):
    with pytest.raises(InputError, match="gif"):
        fuse_files(average, pairs / "ir", pairs / "vi", pairs / "out", suffix="gif")
    with pytest.raises(InputError, match="c.jpg.*16 bit"):
        fuse_files(average, pairs / "ir", pairs / "vi", pairs / "out", suffix="jpg")
    with pytest.raises(InputError, match="a file and a folder"):
        fuse_files(average, pairs / "ir" / "a.png", pairs / "vi", pairs / "out")
    before = (pairs / "vi" / "b.png").read_bytes()
    with pytest.raises(InputError, match="overwritten"):
        fuse_files(average, pairs / "ir", pairs / "vi", pairs / "vi")
    assert (pairs / "vi" / "b.png").read_bytes() == before
    with pytest.raises(InputError, match="is a folder of input images"):  # no file of that name is there yet
        fuse_files(average, pairs / "ir", pairs / "vi", pairs / "ir" / ".", suffix="tif")
    assert not list((pairs / "ir").glob("*.tif"))


# --- the command ---


@pytest.fixture(scope="module")
def workdir(tmp_path_factory):
    """The folder of a run whose tiny network is untrained: its output is near the mean of its inputs."""
    folder, network = tmp_path_factory.mktemp("run"), fusion_network("tiny")
    zeros = np.zeros((1, 16, 16, 1), np.float32)
    run = Run(folder, ConfigDict({"fusion": {"name": "tiny"}}))
    run.save(3, {"step": 3, "outer_params": jax.jit(network.init)(jax.random.key(0), zeros, zeros)}, {})
    run.close()
    return folder


def _command(root, *extra):
    return ["bilevel-fuse", f"--ir={root / 'ir'}", f"--vis={root / 'vi'}", f"--out={root / 'out'}", *extra]


def test_the_command_fuses(pairs, workdir, capsys):
    assert (
        run_command(cli.fuse_command, _command(pairs, f"--workdir={workdir}", "--format=tif", "--infrared_range=0,255"))
        == 0
    )
    assert f"Fusing with step 3 of {workdir}" in capsys.readouterr().out
    assert run_command(cli.fuse_command, _command(pairs, f"--workdir={workdir}", "--checkpoint=4")) == 2
    assert "no checkpoint '4'; expected best, newest, or one of 3" in capsys.readouterr().err
    fused = read_image(pairs / "out" / "b.tif").astype(float)
    mean = read_image(pairs / "ir" / "b.bmp") / 2 + read_image(pairs / "vi" / "b.png") / 2
    assert np.abs(fused - mean).mean() < 5


def test_the_command_takes_rules_with_options_and_a_colour(pairs, capsys):
    images = read_image(pairs / "ir" / "c.png"), read_image(pairs / "vi" / "c.tif")
    for flags in (["--method=max+exposed+hue"], ["--method=max+exposed", "--color=hue"]):
        assert run_command(cli.fuse_command, _command(pairs, *flags)) == 0
        fused = read_image(pairs / "out" / "c.png")
        assert fused.dtype == np.uint16
        np.testing.assert_array_equal(fused, TrivialFuser("max+exposed+hue").fuse(*images))
    capsys.readouterr()
    for flags, message in (
        (["--method=max+hue", "--color=light"], "--method=max+hue and --color=light name two colours"),
        (["--method=maxx"], "did you mean max?"),
        (["--color=grey"], "grey"),
    ):
        assert run_command(cli.fuse_command, _command(pairs, *flags)) == 2
        assert message in capsys.readouterr().err


def test_the_command_colours_what_a_network_fuses(pairs, workdir):
    fused = {}
    for color in ("chroma", "light"):
        assert run_command(cli.fuse_command, _command(pairs, f"--workdir={workdir}", f"--color={color}")) == 0
        fused[color] = read_image(pairs / "out" / "c.png").astype(float)
    assert (fused["chroma"] != fused["light"]).any()


def test_the_command_takes_a_gain(pairs, workdir):
    assert run_command(cli.fuse_command, _command(pairs, f"--workdir={workdir}", "--exposure=1.5")) == 0
    pair = read_image(pairs / "ir" / "c.png"), read_image(pairs / "vi" / "c.tif")
    fuser = Fuser.from_workdir(workdir)
    np.testing.assert_array_equal(read_image(pairs / "out" / "c.png"), fuser.fuse(*pair, 1.5))
    assert (fuser.fuse(*pair, 1.5) != fuser.fuse(*pair)).any()


def test_the_command_takes_a_strength(pairs):
    assert run_command(cli.fuse_command, _command(pairs, "--method=max", "--strength=0")) == 0
    np.testing.assert_array_equal(read_image(pairs / "out" / "b.png"), read_image(pairs / "vi" / "b.png"))


def test_the_command_fuses_without_a_run(pairs):
    assert run_command(cli.fuse_command, _command(pairs, "--method=max")) == 0
    brighter = np.maximum(read_image(pairs / "ir" / "b.bmp"), read_image(pairs / "vi" / "b.png"))
    np.testing.assert_array_equal(read_image(pairs / "out" / "b.png"), brighter)
    assert read_image(pairs / "out" / "a.png").shape == (31, 45, 3)


@pytest.mark.parametrize(
    "extra, message",
    [
        ([], "--workdir is missing: no pretrained weights"),
        (["--workdir=w", "--fromat=png"], "fromat"),
        (["--workdir=w", "--format=gif"], "gif"),
        (["--workdir=w", "--infrared_range=5"], "infrared_range=5.*LOW,HIGH"),
        (["--workdir=w", "--infrared_range=9,5"], "LOW below HIGH"),
        (["--workdir=w", "--exposure=folders"], "exposure=folders is no gain; expected image, folder or a positive"),
        (["--workdir=w", "--exposure=0"], "exposure=0 is no gain"),
        (["--method=max", "--strength=2"], "The strength is 2.0; expected a number from 0 to 1"),
        (["--method=max", "--exposure=folder"], "--exposure=folder and --method=max are both given"),
        (["--workdir=w", "stray"], "stray"),
        (["--workdir=w", "--method=max"], "both given"),
        (["--weights=w", "--method=max"], "--weights and --method are both given"),
        (["--weights=w"], "no pretrained weights 'w'; expected a .safetensors file in"),
        (["--method=min"], "min.*average"),
        (["--workdir=/nowhere/at/all"], "/nowhere/at/all"),
    ],
)
def test_bad_usage_is_one_sentence_and_exit_2(pairs, capsys, monkeypatch, extra, message):
    monkeypatch.setattr(pretrained, "FOLDER", pairs / "no_weights")
    assert run_command(cli.fuse_command, _command(pairs, *extra)) == 2
    said = capsys.readouterr().err.strip()
    assert re.search(message, said) and len(said.splitlines()) == 1
    assert not (pairs / "out").exists()


def test_missing_flags_and_help(capsys):
    assert run_command(cli.fuse_command, ["bilevel-fuse"]) == 2
    assert "--ir is missing" in capsys.readouterr().err
    assert run_command(cli.fuse_command, ["bilevel-fuse", "--help"]) == 0
    assert "--ir=DIR_OR_FILE" in capsys.readouterr().out
