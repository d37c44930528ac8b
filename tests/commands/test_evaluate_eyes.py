"""evaluate.py eyes: from pairs to sheets, from answers to preferences, and bad usage."""

import csv
import json
import re
import signal

import numpy as np
import pytest
from PIL import Image

from bilevel_jax.commands.evaluate import evaluate_command
from bilevel_jax.errors import run_command
from bilevel_jax.evaluation.eyes import sheets
from bilevel_jax.images.files import write_image

SIZE = (48, 64)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """Two sets of plain pictures by day and by night, and a method that paints everything red."""
    root = tmp_path_factory.mktemp("sets")
    for name in ("street", "town"):
        for i, level in enumerate((200, 10, 220, 20)):
            write_image(root / name / "ir" / f"{i}.png", np.full(SIZE, 50, np.uint8))
            write_image(root / name / "vi" / f"{i}.png", np.full((*SIZE, 3), level, np.uint8))
            write_image(root / "red" / name / f"{i}.png", np.full((*SIZE, 3), (255, 0, 0), np.uint8))
    return root


def run(*flags):
    return run_command(evaluate_command, ["evaluate.py", "eyes", *map(str, flags)])


def make(root, out, *flags):
    methods = (f"--ours=red={root / 'red'}", "--against=vis,ir")
    return run(f"--data={root / 'street'},{root / 'town'}", *methods, f"--out={out}", *flags)


def reds(path, rows):
    """For each sheet of a page whether its left and its right fused picture is red."""
    pixels = np.asarray(Image.open(path)).astype(int)
    height, width = (pixels.shape[0] - 24) // rows, pixels.shape[1]
    middles = [24 + row * height + 60 for row in range(rows)]
    return [[bool((pixels[y, x] == (255, 0, 0)).all()) for x in (width // 4, 3 * width // 4)] for y in middles]


def test_who_picks_the_red_pictures_on_the_sheets_prefers_ours(root, tmp_path, capsys):
    assert make(root, tmp_path, "--pairs=4") == 0
    assert "8 sheets of 4 pairs" in capsys.readouterr().out
    files = sorted(path.name for path in tmp_path.iterdir())
    assert files == [*(f"{i:03d}.png" for i in range(1, 9)), "answers.csv", "instructions.txt", "key"]
    with (tmp_path / "answers.csv").open(newline="") as file:
        template = list(csv.DictReader(file))
    assert template == [{"sheet": f"{i:03d}", "answer": ""} for i in range(1, 9)]
    answers = tmp_path / "mine.csv"
    found = {row["sheet"]: reds(tmp_path / f"{row['sheet']}.png", 1)[0] for row in template}
    assert all(sum(sides) == 1 for sides in found.values())
    answers.write_text("sheet,answer\n" + "".join(f"{n},{'AB'[sides[1]]}\n" for n, sides in found.items()))
    other = tmp_path / "other.csv"
    other.write_text("sheet,answer\n" + "".join(f"{n},=\n" for n in found))

    assert run(f"--key={tmp_path}", f"--answers={answers},{other}", f"--out={tmp_path / 'said'}") == 0
    said = capsys.readouterr().out
    assert "Preference for red" in said and "75.0" in said and "0.000" in said
    content = json.loads((tmp_path / "said" / "preference.json").read_text())
    for rival in ("vis", "ir"):
        own = content["against"][rival]
        assert {part: (row["wins"], row["losses"], row["ties"]) for part, row in own.items()} == {
            "all pairs": (4, 0, 4),
            "by day": (2, 0, 2),
            "by night": (2, 0, 2),
            "street": (2, 0, 2),
            "town": (2, 0, 2),
        }
    assert content["given"][str(answers)] == {"A": 4, "B": 4, "=": 0}


def test_several_sheets_on_a_page(root, tmp_path):
    names = tmp_path / "names.txt"
    names.write_text("town/3\nstreet/0\nstreet/1\n")
    assert make(root, tmp_path / "out", f"--names={names}", "--per_page=4") == 0
    pages = sorted((tmp_path / "out").glob("*.png"))
    assert [page.name for page in pages] == ["001-004.png", "005-006.png"]
    key = json.loads((tmp_path / "out" / "key" / "key.json").read_text())
    assert {(own["set_name"], own["name"]) for own in key["pairs"]} == {("town", "3"), ("street", "0"), ("street", "1")}
    shown = reds(pages[0], 4) + reds(pages[1], 2)
    assert shown == [[own["A"] == "red", own["B"] == "red"] for own in key["sheets"].values()]


def test_a_run_is_a_method(smoke_run, root, tmp_path):
    workdir, _ = smoke_run
    flags = (f"--data={root / 'street'}", f"--ours=mine={workdir}", "--against=max", "--pairs=1", f"--out={tmp_path}")
    assert run(*flags) == 0
    assert json.loads((tmp_path / "key" / "key.json").read_text())["ours"] == "mine"


def test_answers_are_not_overwritten(root, tmp_path, capsys):
    (tmp_path / "answers.csv").write_text("sheet,answer\n001,A\n")
    assert make(root, tmp_path, "--pairs=4") == 2
    assert "has an answers.csv already" in capsys.readouterr().err
    assert (tmp_path / "answers.csv").read_text() == "sheet,answer\n001,A\n"


def test_sheets_of_another_command_are_not_left_beside_the_new_ones(root, tmp_path, capsys):
    (tmp_path / "009-010.png").write_bytes(b"")
    assert make(root, tmp_path, "--pairs=4") == 2
    assert "holds 009-010.png, none of these sheets" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["009-010.png"]


def test_a_stopped_command_can_be_repeated(root, tmp_path, monkeypatch):
    def stop_after_the_first(*arguments, **options):
        draw(*arguments, **options)
        signal.raise_signal(signal.SIGTERM)

    draw = sheets.picture_sheet
    with monkeypatch.context() as patch:
        patch.setattr(sheets, "picture_sheet", stop_after_the_first)
        assert make(root, tmp_path, "--pairs=4") == 75
    assert [path.name for path in tmp_path.glob("*.png")] == ["001.png"]
    assert make(root, tmp_path, "--pairs=4") == 0


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--data=ROOT/street", "--ours=max", "--against=max,vis", "--out=OUT"], "has 'max' twice"),
        (["--data=ROOT/street", "--ours=maxx", "--against=vis", "--out=OUT"], "'maxx' is not known.*max"),
        (["--data=ROOT/street", "--ours=max", "--out=OUT"], "--against is missing. Usage: .*--data"),
        (["--data=ROOT/street", "--ours=max", "--against=vis"], "--out is missing"),
        (["--data=ROOT/street", "--ours=max", "--against=vis", "--out=OUT", "--pairs=5"], "has 4 pairs"),
        (["--data=ROOT/street", "--ours=max", "--against=vis", "--out=OUT", "--pairs=4", "--names=x"], "both given"),
        (["--key=OUT", "--answers=a.csv", "--seed=1"], "--seed is for making sheets"),
        (["--key=OUT"], "--answers is missing. Usage: .*--key"),
        (["--key=OUT", "--answers=a.csv"], "has no key.json"),
        (["--key=OUT", "--answers=a.csv,a.csv"], "--answers has 'a.csv' twice"),
    ],
)
def test_bad_usage(root, tmp_path, capsys, flags, message):
    assert run(*(flag.replace("ROOT", str(root)).replace("OUT", str(tmp_path)) for flag in flags)) == 2
    said = capsys.readouterr().err.strip().splitlines()
    assert re.search(message, said[-1]), said
