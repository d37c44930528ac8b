"""browse.py's command on a small folder."""

import numpy as np
import pytest

from bilevel_jax.commands.browse import browse_command
from bilevel_jax.data.scenes import SceneSource
from bilevel_jax.errors import run_command
from bilevel_jax.images.files import write_image


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for i, record in enumerate(SceneSource(6, seed=2, height=48, width=64)):
        write_image(tmp_path / "pairs" / "ir" / f"{i:03d}D.png", record["ir"])
        write_image(tmp_path / "pairs" / "vi" / f"{i:03d}D.png", record["vis"])
        write_image(tmp_path / "pairs" / "labels" / f"{i:03d}D.png", record["labels"].astype(np.uint8)[..., None])
    (tmp_path / "pairs" / "vi" / "002D.png").write_bytes(b"broken")
    return tmp_path


def browse(*arguments):
    return run_command(browse_command, ["browse.py", *map(str, arguments)])


def test_a_download_and_what_was_prepared_of_it(folder, capsys):
    out = folder / "sheet.html"
    assert browse("--dataset=folder", f"--source={folder / 'pairs'}", f"--out={out}", "--num=3") == 0
    assert f"3 of 5 pairs are shown in {out}" in capsys.readouterr().out
    page = out.read_text()
    assert page.count("<img") == 3 * 4 and "002D.png cannot be read" in page and "100 % day" in page
    (root,) = (folder / "cache" / "bilevel_jax").glob("folder-*")
    assert browse("--dataset=folder", f"--source={root}", f"--out={out}", "--names=003D") == 0
    assert out.read_text().count("<img") == 4 and "003D (64 x 48)" in out.read_text()


def test_the_scenes_need_no_source(folder, capsys, monkeypatch):
    monkeypatch.setattr("bilevel_jax.commands.browse.SceneSource", lambda num, seed: SceneSource(4, seed, 48, 64))
    assert browse("--dataset=scenes", f"--out={folder / 'scenes.html'}", "--num=2") == 0
    assert "2 of 4 pairs" in capsys.readouterr().out
    assert "color_cone" in (folder / "scenes.html").read_text()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--dataset=folder"], "--source is missing: the folder of the data set"),
        (["--dataset=foldr", "--source=x"], "there is no data set 'foldr', expected one of"),
        (
            ["--dataset=folder", "--source={}", "--names=nobody"],
            "--names has 'nobody', expected names of pairs in train",
        ),
        (["--dataset=folder", "--source={}", "--split=dev"], "has no split 'dev', expected one of train"),
    ],
)
def test_bad_usage_exits_2(folder, capsys, arguments, sentence):
    assert browse(*(argument.format(folder / "pairs") for argument in arguments), f"--out={folder / 'x.html'}") == 2
    assert sentence in capsys.readouterr().err and not (folder / "x.html").exists()
