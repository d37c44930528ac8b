"""Options of fusing many pairs: sizes, one output file, formats, continuing, bad pairs, and what is written when."""

import threading

import numpy as np
import pytest

from bilevel_jax.commands import fuse as cli
from bilevel_jax.errors import InputError, run_command
from bilevel_jax.images.files import read_image, write_image
from bilevel_jax.inference import TrivialFuser, fuse_files
from bilevel_jax.inference.overlap import WriteBehind, read_ahead


@pytest.fixture
def pairs(tmp_path):
    rng = np.random.default_rng(0)
    for name in ("a", "b", "c"):
        for camera, shape in (("ir", (24, 32)), ("vi", (24, 32, 3))):
            write_image(tmp_path / camera / f"{name}.png", rng.integers(0, 256, shape).astype(np.uint8))
    return tmp_path


def _run(root, *flags):
    return run_command(cli.fuse_command, ["bilevel-fuse", "--method=average", f"--out={root / 'out'}", *flags])


def _folders(root):
    return f"--ir={root / 'ir'}", f"--vis={root / 'vi'}"


def test_other_sizes_are_refused_with_the_remedy_and_resized(tmp_path):
    ramp = np.tile(np.arange(64, dtype=np.uint8)[None], (48, 1))
    write_image(tmp_path / "ir.png", ramp[::2, ::2])
    write_image(tmp_path / "vi.png", np.stack([ramp] * 3, -1))
    paths = TrivialFuser("average"), tmp_path / "ir.png", tmp_path / "vi.png"
    with pytest.raises(InputError, match="ir.png and .*vi.png: .*32 x 24 .*64 x 48; .*--resize=infrared"):
        fuse_files(*paths, tmp_path / "out.png")
    (written,) = fuse_files(*paths, tmp_path / "out.png", resize="infrared")
    assert np.abs(read_image(written)[..., 0].astype(int) - ramp).max() <= 2  # both are the ramp
    (written,) = fuse_files(*paths, tmp_path / "small.png", resize="visible")
    assert read_image(written).shape == (24, 32, 3)
    with pytest.raises(InputError, match="--resize=both"):
        fuse_files(*paths, tmp_path / "out.png", resize="both")


def test_another_aspect_ratio_is_noted(tmp_path, capsys):
    write_image(tmp_path / "ir.png", np.eye(40, dtype=np.uint8) * 255)
    write_image(tmp_path / "vi.png", np.eye(40, 80, dtype=np.uint8) * 255)
    fuse_files(
        TrivialFuser("average"), tmp_path / "ir.png", tmp_path / "vi.png", tmp_path / "out.png", resize="infrared"
    )
    assert "ir.png is stretched" in capsys.readouterr().out


def test_out_may_be_a_file_of_one_pair(pairs, capsys):
    files = f"--ir={pairs / 'ir' / 'a.png'}", f"--vis={pairs / 'vi' / 'a.png'}"
    assert _run(pairs, *files, f"--out={pairs / 'new' / 'picture.webp'}") == 0
    assert [path.name for path in (pairs / "new").iterdir()] == ["picture.webp"]
    assert _run(pairs, *files, f"--out={pairs / 'picture.png'}", "--format=jpg") == 2
    assert _run(pairs, *_folders(pairs), f"--out={pairs / 'picture.png'}") == 2
    assert _run(pairs, *files, f"--out={pairs / 'picture.gif'}") == 2
    shown = capsys.readouterr().err
    assert "two formats" in shown and "3 pairs; expected a folder" in shown and "cannot be written as gif" in shown
    assert not list(pairs.glob("picture*"))


def test_a_format_by_its_other_name(pairs):
    assert _run(pairs, *_folders(pairs), "--format=jpeg") == 0
    assert sorted(path.name for path in (pairs / "out").iterdir()) == ["a.jpeg", "b.jpeg", "c.jpeg"]


def test_a_dry_run_prints_the_pairs_and_writes_nothing(pairs, capsys):
    assert _run(pairs, *_folders(pairs), "--dry_run") == 0
    line = f"{pairs / 'ir' / 'b.png'} + {pairs / 'vi' / 'b.png'} -> {pairs / 'out' / 'b.png'}"
    assert line in capsys.readouterr().out.splitlines()
    assert not (pairs / "out").exists()
    assert run_command(cli.fuse_command, ["bilevel-fuse", *_folders(pairs), "--dry_run"]) == 0
    assert run_command(cli.fuse_command, ["bilevel-fuse", *_folders(pairs)]) == 2
    assert "--out is missing" in capsys.readouterr().err


def test_a_file_without_a_partner_is_named_at_the_end(pairs, capsys):
    (pairs / "vi" / "b.png").unlink()
    assert _run(pairs, *_folders(pairs), "--dry_run") == 2
    shown = capsys.readouterr()
    assert "2 pair(s); nothing was fused" in shown.out and "without a partner (b.png)" in shown.err
    assert _run(pairs, *_folders(pairs)) == 2
    shown = capsys.readouterr()
    assert "Fused 2 pair(s)" in shown.out and "without a partner (b.png)" in shown.err
    assert sorted(path.name for path in (pairs / "out").iterdir()) == ["a.png", "c.png"]
    (pairs / "vi" / "c.png").write_bytes(b"")
    assert _run(pairs, *_folders(pairs), "--format=JPG") == 2
    error = capsys.readouterr().err
    assert "1 of 2 pairs could not be fused" in error and "c.png is empty" in error and "(b.png)" in error


def test_a_table_in_place_of_folders(pairs, capsys):
    (pairs / "pairs.csv").write_text("ir/a.png,vi/b.png,mixed\n")
    assert _run(pairs, f"--pairs={pairs / 'pairs.csv'}") == 0
    assert [path.name for path in (pairs / "out").iterdir()] == ["mixed.png"]
    assert _run(pairs, f"--pairs={pairs / 'pairs.csv'}", *_folders(pairs)) == 2
    assert _run(pairs, f"--ir={pairs / 'ir'}") == 2
    shown = capsys.readouterr().err
    assert "--pairs and --ir are both given" in shown and "--vis is missing" in shown


def test_skip_existing_continues_after_a_bad_pair(pairs, capsys):
    good = (pairs / "vi" / "b.png").read_bytes()
    (pairs / "vi" / "b.png").write_bytes(good[:100])
    assert _run(pairs, *_folders(pairs)) == 2
    shown = capsys.readouterr()
    assert "Fused 2 pair(s)" in shown.out and "1 of 3 pairs" in shown.err and str(pairs / "vi" / "b.png") in shown.err
    (pairs / "vi" / "b.png").write_bytes(good)
    before = (pairs / "out" / "a.png").stat().st_mtime_ns
    assert _run(pairs, *_folders(pairs), "--skip_existing") == 0
    assert "Skipped 2 pair(s)" in capsys.readouterr().out
    assert (pairs / "out" / "b.png").is_file() and (pairs / "out" / "a.png").stat().st_mtime_ns == before


def test_a_picture_with_itself_is_refused_also_in_another_format(tmp_path):
    picture = np.random.default_rng(0).integers(0, 256, (16, 16, 3)).astype(np.uint8)
    write_image(tmp_path / "ir.bmp", picture)
    write_image(tmp_path / "vi.png", picture)
    with pytest.raises(InputError, match="same picture.*alpha channel"):
        fuse_files(TrivialFuser("max"), tmp_path / "ir.bmp", tmp_path / "vi.png", tmp_path / "out")


def test_colour_given_as_infrared_and_grey_as_visible_is_noted(pairs, capsys):
    (pairs / "ir").rename(pairs / "first")
    (pairs / "vi").rename(pairs / "second")
    fuse_files(TrivialFuser("max"), pairs / "second", pairs / "first", pairs / "out")
    assert "may be swapped" in capsys.readouterr().out


def test_at_most_two_results_of_read_ahead_wait_and_errors_keep_their_place():
    begun = []

    def read(number):
        begun.append(number)
        if number == 1:
            raise InputError("one")
        return number

    results, ahead = [], []
    for count, data in enumerate(read_ahead(read, range(6))):
        try:
            results.append(data())
        except InputError as error:
            results.append(str(error))
        ahead.append(max(begun) - count)
    assert results == [0, "one", 2, 3, 4, 5] and begun == list(range(6)) and max(ahead) <= 2


def test_a_write_runs_beside_the_next_step_and_its_error_is_raised():
    go, written = threading.Event(), []

    def slow():
        assert go.wait(10)
        written.append("first")

    with WriteBehind() as writer:
        writer.submit(slow)
        assert not written  # submit did not wait
        go.set()
        writer.submit(lambda: written.append("second"))
        assert written[0] == "first"
    assert written == ["first", "second"]

    def fails():
        raise InputError("full")

    with pytest.raises(InputError, match="full"), WriteBehind() as writer:
        writer.submit(fails)
