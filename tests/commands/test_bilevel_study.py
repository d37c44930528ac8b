"""The command bilevel_study.py: made once, continued, and bad usage."""

import json

import pytest

from bilevel_jax.commands import bilevel_study as module
from bilevel_jax.commands.bilevel_study import bilevel_study_command
from bilevel_jax.data.scenes import generate
from bilevel_jax.errors import run_command
from bilevel_jax.evaluation.bilevel_study import study_problems
from bilevel_jax.evaluation.bilevel_study.scene_cells import load_cells
from bilevel_jax.images.files import write_image


def command(out, *more):
    flags = [f"--out={out}", "--outer=6", "--outer_steps=2", "--seeds=0,1", *more]
    return run_command(bilevel_study_command, ["bilevel_study.py", *flags])


@pytest.fixture(scope="module")
def scenes():
    return load_cells(24, cache=False)


@pytest.fixture
def few_scenes(monkeypatch, scenes):
    monkeypatch.setattr(module, "load_cells", lambda number: scenes)
    monkeypatch.setattr(study_problems, "TESTED", 6)


def test_rows_without_training_are_made_once(few_scenes, tmp_path, capsys):
    few = ["--problem=few_labels", "--labels=3", "--ridge=0.1", "--rows=fusion_loss"]
    assert command(tmp_path, *few) == 0
    cells = sorted((tmp_path / "labels-3").glob("fusion_loss-seed*.json"))
    before = [cell.stat().st_mtime_ns for cell in cells]
    assert len(before) == 2 and command(tmp_path, *few) == 0
    assert [cell.stat().st_mtime_ns for cell in cells] == before
    table = (tmp_path / "labels-3" / "table.md").read_text()
    assert "`fusion_loss`: the fusion loss alone, no task" in table and table in capsys.readouterr().out


@pytest.mark.slow
def test_rows_can_be_added_and_finished_cells_are_read(few_scenes, tmp_path, capsys):
    few = ["--problem=few_labels", "--labels=3", "--ridge=0.1"]
    assert command(tmp_path, *few, "--rows=fusion_loss,ignore") == 0
    folder = tmp_path / "labels-3"
    before = {path: path.stat().st_mtime_ns for path in folder.glob("*.json")}
    assert {path.name for path in before} == {
        "settings.json", "fusion_loss-seed0.json", "fusion_loss-seed1.json", "ignore-seed0.json",
        "ignore-seed1.json", "rate-ignore.json",
    }  # fmt: skip
    first = json.loads((folder / "ignore-seed0.json").read_text())
    (folder / "ignore-seed0.json").unlink()
    assert command(tmp_path, *few, "--rows=fusion_loss,ignore,exact") == 0
    again = json.loads((folder / "ignore-seed0.json").read_text())
    assert again["scores"] == first["scores"] and again["log"] == first["log"]
    for path, time in before.items():
        assert path.name == "ignore-seed0.json" or path.stat().st_mtime_ns == time
    exact = json.loads((folder / "exact-seed0.json").read_text())
    assert exact["log"]["start"]["cosine"] == pytest.approx(1)
    assert first["log"]["start"]["correction"] == 0 and first["log"]["start"]["unsolved"] < 1e-3
    table = (folder / "table.md").read_text()
    assert "`exact`: the exact hypergradient" in table and "| `ignore` |" in table
    assert table in capsys.readouterr().out


def write_pairs(folder, number):
    """A folder of pairs with one box each, the first half by day."""
    for part in ("ir", "vi", "boxes"):
        (folder / part).mkdir(parents=True)
    (folder / "classes.txt").write_text("person\ncar\n")
    for place in range(number):
        scene, name = generate(1, place, 48, 64), f"{place:05d}{'DN'[2 * place // number]}"
        write_image(folder / "ir" / f"{name}.png", scene["ir"])
        write_image(folder / "vi" / f"{name}.png", scene["vis"])
        (folder / "boxes" / f"{name}.txt").write_text(f"{place % 2} 0.{place % 8 + 1} 0.5 0.2 0.3\n")


def test_real_pairs_are_fused_by_rules_that_did_not_see_them(tmp_path, capsys):
    write_pairs(tmp_path / "pairs", 20)
    pairs = ["--problem=real_day_to_night", f"--data={tmp_path / 'pairs'}", "--ridge=0.1", "--labels=2"]
    seeds = "--seeds=0,1,2,3,4"
    assert command(tmp_path / "out", *pairs, seeds, "--rows=fusion_loss", "--pictures") == 0
    folder = tmp_path / "out" / "labels-2"
    shown = folder / "pictures" / "fusion_loss"
    assert sorted(p.name for p in shown.iterdir()) == sorted(p.name for p in (tmp_path / "pairs" / "ir").iterdir())
    cell = json.loads((folder / "fusion_loss-seed0.json").read_text())
    assert len(cell["rule"]) == 10 and {"test", "day"} <= cell["scores"].keys()
    del cell["rule"]
    (folder / "fusion_loss-seed0.json").write_text(json.dumps(cell))
    assert command(tmp_path / "out", *pairs, seeds, "--rows=fusion_loss", "--pictures") == 2
    assert "holds cells without their rules" in capsys.readouterr().err


def test_other_settings_damaged_cells_and_bad_flags_are_one_sentence(few_scenes, tmp_path, capsys):
    rows = ["--rows=fusion_loss", "--ridge=0.1", "--labels=3"]
    assert command(tmp_path, "--problem=few_labels", *rows) == 0
    assert command(tmp_path, "--problem=few_labels", "--rows=fusion_loss", "--ridge=0.2", "--labels=3") == 2
    assert "ridge = 0.1, and it is 0.2 now" in capsys.readouterr().err
    (tmp_path / "labels-3" / "fusion_loss-seed1.json").write_text("{")
    assert command(tmp_path, "--problem=few_labels", *rows) == 2
    assert "fusion_loss-seed1.json cannot be read as a cell" in capsys.readouterr().err
    for flags, message in {
        ("--problem=few_labels", "--gap=0.2"): "--gap is for day_to_night",
        ("--problem=few_labels", "--ridge=0"): "--ridge=0 leaves",
        ("--problem=few_labels", "--labels=0"): "expected whole numbers from 1 on",
        ("--problem=few_labels", "--rows=exat"): "did you mean exact?",
        ("--problem=few_labels", "--labels=30"): "--labels asks for 30 more scenes",
        ("--problem=few_labels", "--rates=0.1,-1"): "expected numbers above 0",
        ("--problem=few_labels", "--data=pairs"): "expected no --data and no --pictures",
        ("--problem=real_day_to_night",): "expected --data=DIR",
        ("--problem=real_day_to_night", "--data=pairs", "--scenes=3"): "has no --scenes",
        ("--problem=few_labels", f"--gains={tmp_path}"): "expected at least two, such as ignore,exact",
        (): "--problem is missing",
    }.items():
        assert command(tmp_path, *flags) == 2
        error = capsys.readouterr().err
        assert message in error and error.count("\n") == 1
