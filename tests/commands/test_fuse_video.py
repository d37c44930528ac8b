"""bilevel-fuse where a flag names a video."""

import numpy as np
import pytest
from PIL import Image

from bilevel_jax.commands.fuse import fuse_command
from bilevel_jax.errors import run_command

av = pytest.importorskip("av")


@pytest.fixture
def folders(tmp_path):
    """Two folders of four numbered pictures."""
    for name, shape in (("ir", (48, 64)), ("vi", (48, 64, 3))):
        (tmp_path / name).mkdir()
        for number in range(4):
            picture = np.random.default_rng(number).integers(0, 255, shape).astype(np.uint8)
            Image.fromarray(picture).save(tmp_path / name / f"{number}.png")
    return tmp_path


def run(folder, *flags: str) -> int:
    given = [f"--ir={folder / 'ir'}", f"--vis={folder / 'vi'}", f"--out={folder / 'out.mp4'}", "--method=max"]
    return run_command(fuse_command, ["fuse", *given, *flags])


def test_folders_become_a_video_where_out_names_one(folders, capsys):
    assert run(folders, "--fps=8") == 0
    assert "Fused 4 frame(s)" in capsys.readouterr().out
    with av.open(str(folders / "out.mp4")) as container:
        assert [frame.time for frame in container.decode(video=0)] == pytest.approx([0, 0.125, 0.25, 0.375])


def test_a_dry_run_describes_the_videos(folders, capsys):
    assert run(folders, "--dry_run") == 0
    said = capsys.readouterr().out
    assert "64 x 48 pixels, 25 frames/s, about 4 frames" in said and not (folders / "out.mp4").exists()


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--recursive"], "--recursive is for pictures, but a video is given"),
        (["--skip_existing"], "--skip_existing is for pictures"),
        (["--format=jpg"], "--format=jpg is for pictures in a folder"),
        (["--fps=0"], "--fps=0 is no rate; expected a positive number"),
        (["--offset=nan"], "--offset=nan is no time; expected a number of seconds"),
        (["--out=out.txt", "--fps=5"], "--fps is given, but no video"),
        (["--vis=nowhere.mp4"], "--vis=nowhere.mp4 does not exist; expected a video file or a folder"),
    ],
)
def test_a_mistake_gives_one_sentence_and_exit_code_2(folders, capsys, flags, message):
    assert run(folders, *flags) == 2
    assert message in capsys.readouterr().err and not (folders / "out.mp4").exists()
