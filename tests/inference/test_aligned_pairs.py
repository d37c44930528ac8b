"""Pairs that do not lie on each other: reported, aligned one by one, aligned as one rig, or left out."""

import sys

import numpy as np
import pytest
from PIL import Image

from bilevel_jax.commands import fuse as cli
from bilevel_jax.errors import InputError, run_command
from bilevel_jax.images.files import read_image, write_image
from bilevel_jax.inference import TrivialFuser, fuse_files
from bilevel_jax.inference.pair_placement import AlignmentChoice, with_visible
from bilevel_jax.registration import Transform, read_transform, write_transform

SIZE = (144, 192)
MARGIN = 20
LUMA = np.array([0.299, 0.587, 0.114])


def _scene(seed):
    """One picture of smooth blobs with sharp borders, larger than a frame by `MARGIN` on every side."""
    random = np.random.default_rng(seed)
    small = Image.fromarray(random.integers(0, 256, (12, 15)).astype(np.uint8))
    large = np.asarray(small.resize((SIZE[1] + 2 * MARGIN, SIZE[0] + 2 * MARGIN), Image.Resampling.BICUBIC))
    return (large // 48 * 48).astype(np.uint8)


def _write(root, name, shift=(0, 0), seed=0):
    """Writes a pair; the infrared image has inverted levels and shows at p + shift what the visible one shows at p."""
    levels, (x, y) = _scene(seed), shift
    infrared = 255 - levels[MARGIN - y :, MARGIN - x :][: SIZE[0], : SIZE[1]]
    visible = levels[MARGIN : MARGIN + SIZE[0], MARGIN : MARGIN + SIZE[1]]
    write_image(root / "ir" / f"{name}.png", infrared)
    write_image(root / "vi" / f"{name}.png", np.stack([visible, visible, visible // 2], -1))


def _run(root, *flags):
    folders = f"--ir={root / 'ir'}", f"--vis={root / 'vi'}", f"--out={root / 'out'}"
    return run_command(cli.fuse_command, ["bilevel-fuse", "--method=average", *folders, *flags])


def _difference(root, name):
    """Mean distance of the fused luminance from the average of both images as they were before the shift."""
    inside = (slice(MARGIN, -MARGIN),) * 2
    fused, visible = (read_image(root / folder / f"{name}.png")[inside].astype(float) for folder in ("out", "vi"))
    infrared = 255 - visible[..., 0]
    return np.abs(fused @ LUMA - (visible @ LUMA + infrared) / 2).mean()


def test_a_shift_is_reported_once_for_all_files(tmp_path, capsys):
    for number, name in enumerate("abcd"):
        _write(tmp_path, name, (0, 0) if name == "d" else (14, 6), seed=number)
    assert _run(tmp_path) == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("warning")]
    assert (
        len(lines) == 1 and "3 infrared images" in lines[0] and "(14, 6) pixels" in lines[0] and "--align" in lines[0]
    )
    assert "a.png" in lines[0] and "d.png" not in lines[0]


def test_aligned_pairs_are_quiet(tmp_path, capsys):
    _write(tmp_path, "a")
    assert _run(tmp_path) == 0
    assert "warning" not in capsys.readouterr().out


def test_each_pair_is_aligned(tmp_path, capsys):
    pytest.importorskip("cv2")
    for number, shift in enumerate([(14, 6), (-9, -12)]):
        _write(tmp_path, str(number), shift, number)
    assert _run(tmp_path, "--align=translation") == 0
    assert "warning" not in capsys.readouterr().out
    aligned = [_difference(tmp_path, name) for name in "01"]
    assert _run(tmp_path) == 0
    assert max(aligned) < 0.5 * min(_difference(tmp_path, name) for name in "01")


def test_the_visible_image_is_shown_where_there_is_no_infrared_data(tmp_path):
    _write(tmp_path, "a")
    write_transform(tmp_path / "rig.json", Transform("translation", [[1, 0, 40], [0, 1, 0], [0, 0, 1]], SIZE, SIZE))
    assert _run(tmp_path, f"--transform={tmp_path / 'rig.json'}") == 0
    fused, visible = read_image(tmp_path / "out" / "a.png"), read_image(tmp_path / "vi" / "a.png")
    np.testing.assert_array_equal(fused[:, -40:], visible[:, -40:])
    infrared = read_image(tmp_path / "ir" / "a.png")[..., 0].astype(float)
    inside = slice(10, SIZE[1] - 50)  # there it is the average with what lies 40 pixels further right
    expected = (visible @ LUMA + np.roll(infrared, -40, 1)) / 2
    assert np.abs(fused @ LUMA - expected)[:, inside].mean() < 5


def test_an_infrared_image_of_another_size_needs_no_resize(tmp_path):
    pytest.importorskip("cv2")
    _write(tmp_path, "a")
    small = Image.fromarray(read_image(tmp_path / "ir" / "a.png")[..., 0]).resize((96, 72), Image.Resampling.BOX)
    small.save(tmp_path / "ir" / "a.png")
    assert _run(tmp_path) == 2
    assert _run(tmp_path, "--align=similarity") == 0
    assert read_image(tmp_path / "out" / "a.png").shape == (*SIZE, 3)


def test_a_transform_file_is_made_and_used_again(tmp_path, capsys, monkeypatch):
    pytest.importorskip("cv2")
    for number in range(3):
        _write(tmp_path, str(number), (14, 6), number)
    rig = tmp_path / "rig.json"
    assert _run(tmp_path, "--align=translation", f"--transform={rig}", "--align_on=2") == 0
    assert "of 2 trusted of 2 pair(s)" in capsys.readouterr().out
    np.testing.assert_allclose(read_transform(rig).matrix[:2, 2], (14, 6), atol=0.5)
    once = [read_image(tmp_path / "out" / f"{name}.png") for name in "012"]
    monkeypatch.setattr("bilevel_jax.inference.rig_files.align", None)  # nothing is estimated again
    for flags in ([], ["--align=translation"]):
        assert _run(tmp_path, f"--transform={rig}", *flags) == 0
        for name, before in zip("012", once, strict=True):
            np.testing.assert_array_equal(read_image(tmp_path / "out" / f"{name}.png"), before)
    assert _run(tmp_path, f"--transform={rig}", "--align=affine") == 2
    assert "rig.json exists and holds a translation" in capsys.readouterr().err


def test_a_transform_of_another_size_names_both_files(tmp_path, capsys):
    _write(tmp_path, "a")
    write_transform(tmp_path / "rig.json", Transform("translation", np.eye(3), (10, 10), SIZE))
    assert _run(tmp_path, f"--transform={tmp_path / 'rig.json'}") == 2
    error = capsys.readouterr().err
    assert "ir/a.png and" in error and "192 x 144 pixels, but the transform is for 10 x 10" in error


@pytest.mark.parametrize(
    "flags, message",
    [
        (["--align_on=3"], "--align_on=3 needs --align"),
        (["--transform=no.json"], "no.json does not exist"),
        (["--untrusted=left_out"], "expected --align"),
        (["--align=affine", "--untrusted=left_out", "--align_on=3"], "neither --transform nor --align_on"),
    ],
)
def test_flags_that_contradict_each_other(tmp_path, capsys, flags, message):
    _write(tmp_path, "a")
    assert _run(tmp_path, *flags) == 2
    assert message in capsys.readouterr().err


@pytest.fixture
def untrusted(tmp_path):
    """A pair that can be aligned, and one whose images show different scenes."""
    pytest.importorskip("cv2")
    _write(tmp_path, "good", (8, 0))
    _write(tmp_path, "lost", seed=1)
    random = np.random.default_rng(0)
    write_image(tmp_path / "ir" / "lost.png", random.integers(0, 256, SIZE).astype(np.uint8))
    return tmp_path


def test_untrusted_pairs_are_named_and_fused_as_they_are(untrusted, capsys):
    assert _run(untrusted, "--align=translation") == 0
    printed = capsys.readouterr().out
    (line,) = [line for line in printed.splitlines() if line.startswith("warning")]
    assert "lost.png is not trusted" in line and "fused as it is" in line
    aligned = read_image(untrusted / "out" / "lost.png")
    assert _run(untrusted) == 0
    np.testing.assert_array_equal(read_image(untrusted / "out" / "lost.png"), aligned)


def test_untrusted_pairs_are_left_out(untrusted, capsys):
    choice = AlignmentChoice("translation", untrusted="left_out")
    folders = untrusted / "ir", untrusted / "vi", untrusted / "out"
    written = fuse_files(TrivialFuser("average"), *folders, alignment=choice)
    assert [path.name for path in written] == ["good.png"]
    printed = capsys.readouterr().out
    assert "lost.png is not trusted" in printed and "is not fused" in printed and "Fused 1 pair(s)" in printed
    alone = untrusted / "ir" / "lost.png", untrusted / "vi" / "lost.png", untrusted / "alone.png"
    with pytest.raises(InputError, match="lost.png.*not trusted"):
        fuse_files(TrivialFuser("average"), *alone, alignment=choice)
    assert not (untrusted / "alone.png").exists()


def test_an_unknown_outcome_is_refused():
    with pytest.raises(InputError, match="--untrusted=burn"):
        AlignmentChoice("translation", untrusted="burn")


def test_without_opencv_the_message_says_what_to_install(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "cv2", None)
    _write(tmp_path, "a")
    assert _run(tmp_path, "--align=similarity") == 2
    assert "bilevel-jax[align]" in capsys.readouterr().err


def test_the_mixture_beside_missing_data_is_rounded():
    fused, visible = np.full((1, 3, 1), 101, np.uint8), np.full((1, 3, 1), 50, np.uint8)
    share = np.array([[0, 0.5, 1]], np.float32)
    assert with_visible(fused, visible, share).ravel().tolist() == [50, 76, 101]
