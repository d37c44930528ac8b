"""Reading the two files of a pair: infrared images in the alpha channel, and what is noted."""

import numpy as np
import pytest
import tifffile
from PIL import Image

from bilevel_jax.errors import InputError
from bilevel_jax.images.files import scale_raw, write_image
from bilevel_jax.inference import TrivialFuser, fuse_files
from bilevel_jax.inference.read_pair import read_pair

HEAT = np.add.outer(np.linspace(5, 180, 24), np.linspace(0, 60, 32)).astype(np.uint8)[..., None]
VISIBLE = np.random.default_rng(0).integers(0, 256, (24, 32, 3)).astype(np.uint8)


def _rgba(path, alpha=HEAT):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.concatenate([VISIBLE, alpha], -1)).save(path)
    return path


def test_one_file_with_infrared_in_alpha_is_fused(tmp_path, capsys):
    path = _rgba(tmp_path / "x.png")
    pair = read_pair(path, path)
    assert np.array_equal(pair.infrared, HEAT) and np.array_equal(pair.visible, VISIBLE)
    (written,) = fuse_files(TrivialFuser("max"), path, path, tmp_path / "fused.png")
    assert np.array_equal(np.asarray(Image.open(written)), TrivialFuser("max").fuse(HEAT, VISIBLE))
    assert f"note: {path} has its infrared image in the alpha channel" in capsys.readouterr().out


def test_folders_with_infrared_in_alpha_are_fused(tmp_path):
    for name in ("a.png", "b.png"):
        _rgba(tmp_path / "one" / name)
        _rgba(tmp_path / "other" / name)
    for other in ("one", "other"):
        written = fuse_files(
            TrivialFuser("max"), tmp_path / "one", tmp_path / other, tmp_path / f"{other}_out", exposure="folder"
        )
        assert [path.name for path in written] == ["a.png", "b.png"]
        assert np.array_equal(np.asarray(Image.open(written[1])), TrivialFuser("max").fuse(HEAT, VISIBLE))


def test_counts_of_16_bits_in_alpha_are_scaled(tmp_path):
    counts = HEAT.astype(np.uint16) * 4 + 7000
    rgba = np.concatenate([VISIBLE.astype(np.uint16) * 257, counts], -1)
    tifffile.imwrite(tmp_path / "x.tif", rgba, photometric="rgb", extrasamples=[2])
    assert np.array_equal(read_pair(tmp_path / "x.tif", tmp_path / "x.tif").infrared, scale_raw(counts))


@pytest.mark.parametrize("soft", [False, True])
def test_a_mask_in_alpha_is_no_infrared_image(tmp_path, soft):
    mask = np.where(np.arange(32) < 16, 0, 255).astype(np.uint8)
    if soft:
        mask[10:22] = np.linspace(10, 240, 12)
    path = _rgba(tmp_path / "x.png", np.broadcast_to(mask[None, :, None], (24, 32, 1)))
    with pytest.raises(InputError, match="the same picture; expected .*alpha channel"):
        read_pair(path, path)


def test_paths_in_python_are_read_as_a_pair(tmp_path):
    path = _rgba(tmp_path / "x.png")
    with pytest.warns(UserWarning, match="in the alpha channel"):
        fused = TrivialFuser("max").fuse(path, path)
    assert np.array_equal(fused, TrivialFuser("max").fuse(HEAT, VISIBLE))
    write_image(tmp_path / "plain.png", VISIBLE)
    with pytest.raises(InputError, match="same picture"):
        TrivialFuser("max").fuse(tmp_path / "plain.png", tmp_path / "plain.png")


def test_a_grey_copy_of_the_visible_image_is_noted(tmp_path):
    write_image(tmp_path / "vi.png", VISIBLE)
    write_image(tmp_path / "ir.png", np.asarray(Image.fromarray(VISIBLE).convert("L")))
    (note,) = read_pair(tmp_path / "ir.png", tmp_path / "vi.png").notes
    assert note.path == tmp_path / "ir.png" and "looks like its visible image" in note.text
    write_image(tmp_path / "ir.png", HEAT)
    assert read_pair(tmp_path / "ir.png", tmp_path / "vi.png").notes == ()


def test_a_range_in_another_unit_is_noted(tmp_path):
    np.save(tmp_path / "ir.npy", HEAT[..., 0] / 10 + 273.15)
    write_image(tmp_path / "vi.png", VISIBLE.astype(np.uint16) * 257)
    paths = tmp_path / "ir.npy", tmp_path / "vi.png"
    notes = [note.text for note in read_pair(*paths, (0, 40), (0, 10)).notes]
    assert len(notes) == 2 and "--infrared_range=0,40" in notes[0] and "--visible_range=0,10" in notes[1]
    assert read_pair(*paths, (280, 290), (0, 65535)).notes == ()


def test_several_pictures_in_one_file_are_noted(tmp_path):
    write_image(tmp_path / "vi.png", VISIBLE)
    tifffile.imwrite(tmp_path / "ir.tif", np.stack([HEAT[..., 0] / 10] * 2).astype(np.float32))
    (note,) = read_pair(tmp_path / "ir.tif", tmp_path / "vi.png").notes
    assert "holds several pictures, of which the first is used" in note.text
    first, second = (Image.fromarray(picture[..., 0]) for picture in (HEAT, HEAT[::-1]))
    first.save(tmp_path / "ir.gif", save_all=True, append_images=[second])
    assert [note.path for note in read_pair(tmp_path / "ir.gif", tmp_path / "vi.png").notes] == [tmp_path / "ir.gif"]
