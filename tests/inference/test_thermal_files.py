"""fuse on temperatures, on colours of heat, and on visible images of 12 bits."""

import numpy as np
import pytest
import tifffile

from bilevel_jax.commands import fuse as cli
from bilevel_jax.errors import run_command
from bilevel_jax.images.files import read_image, write_image
from bilevel_jax.images.files.file_notes import FileNote, FileNotes
from bilevel_jax.images.thermal.palettes import palettes
from bilevel_jax.inference import TrivialFuser, fuse_files

HEAT = np.add.outer(np.linspace(0, 180, 24), np.linspace(0, 75, 32)).astype(np.uint8)
CELSIUS = HEAT / 255 * 40 - 10


def write_visible(path):
    write_image(path, np.random.default_rng(0).integers(0, 90, (24, 32, 3)).astype(np.uint8))


def _write(path, kind):
    if kind == "tif":
        tifffile.imwrite(path, CELSIUS.astype(np.float32))
    elif kind == "npy":
        np.save(path, CELSIUS)
    elif kind == "csv":
        np.savetxt(path, CELSIUS, delimiter=",", fmt="%.4f")
    else:
        write_image(path, HEAT)


@pytest.mark.parametrize("kind", ["tif", "npy", "csv"])
def test_temperatures_are_fused_as_the_picture_of_them_is(tmp_path, kind):
    for folder, suffix in (("measured", kind), ("picture", "png")):
        (tmp_path / folder).mkdir()
        _write(tmp_path / folder / f"a.{suffix}", suffix)
    write_visible(tmp_path / "vi" / "a.png")
    if kind != "tif":
        (tmp_path / "picture" / f"list.{kind}").write_text("name,place")  # beside pictures it is no infrared image
    fused = [
        read_image(
            fuse_files(TrivialFuser("max"), tmp_path / folder, tmp_path / "vi", tmp_path / "out" / folder, **more)[0]
        )
        for folder, more in (("measured", {"infrared_range": (-10, 30)}), ("picture", {}))
    ]
    np.testing.assert_allclose(fused[0].astype(int), fused[1], atol=1)


def test_the_command_scales_both_images_and_says_how_it_read_them(tmp_path, capsys):
    for name in "ab":
        write_image(tmp_path / "ir" / f"{name}.png", np.rint(palettes()["jet"].colors[HEAT]).astype(np.uint8))
        write_image(tmp_path / "vi" / f"{name}.png", (HEAT.astype(np.uint16) * 4)[..., None])
    flags = [f"--ir={tmp_path / 'ir'}", f"--vis={tmp_path / 'vi'}", "--method=average"]
    assert run_command(cli.fuse_command, ["bilevel-fuse", *flags, f"--out={tmp_path / 'own'}"]) == 0
    said = capsys.readouterr().out
    assert "note: of 2 files" in said and "the palette jet," in said and "at most 10 are used" in said
    np.testing.assert_allclose(read_image(tmp_path / "own" / "a.png")[..., 0] / 65535, HEAT / 255, atol=0.01)
    ranged = [*flags, f"--out={tmp_path / 'given'}", "--visible_range=0,2000"]
    assert run_command(cli.fuse_command, ["bilevel-fuse", *ranged]) == 0
    expected = (HEAT / 255 + HEAT * 4.0 / 2000) / 2
    np.testing.assert_allclose(read_image(tmp_path / "given" / "a.png")[..., 0] / 65535, expected, atol=0.01)


def test_a_range_for_a_picture_of_8_bits_is_pointed_at(tmp_path, capsys):
    write_image(tmp_path / "ir.png", HEAT)
    write_visible(tmp_path / "vi.png")
    fuse_files(
        TrivialFuser("max"), tmp_path / "ir.png", tmp_path / "vi.png", tmp_path, infrared_range=(0, 9), suffix="bmp"
    )
    assert f"note: {tmp_path / 'ir.png'} is a picture of 8 bits, for which --infrared_range" in capsys.readouterr().out


def test_a_bad_visible_range_is_one_sentence(tmp_path, capsys):
    flags = [f"--ir={tmp_path}", f"--vis={tmp_path}", f"--out={tmp_path}", "--visible_range=9,5"]
    assert run_command(cli.fuse_command, ["bilevel-fuse", *flags]) == 2
    assert "--visible_range=9,5 is no range; expected LOW below HIGH." in capsys.readouterr().err


def test_notes_of_one_text_are_one_line():
    notes = FileNotes()
    notes.add([FileNote(f"{name}.png", "is odd") for name in "abcda"] + [FileNote("e.png", "is even")])
    assert notes.lines() == ["note: of 4 files (a.png, b.png, c.png, ...) each is odd.", "note: e.png is even."]
