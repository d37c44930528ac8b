"""The ablation command: stopped and continued, a row that fails, a common start, bad usage."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from bilevel_jax.commands import ablation as module
from bilevel_jax.commands.ablation import ablation_command
from bilevel_jax.data.folder_splits import keep_lists
from bilevel_jax.data.sets import open_sets
from bilevel_jax.errors import InputError, RunError, run_command
from bilevel_jax.evaluation.ablation import row_appearance
from bilevel_jax.evaluation.ablation import train_row as ablation_run
from bilevel_jax.evaluation.image_measures import MEASURES
from bilevel_jax.evaluation.judges.detection_judge import DetectionJudge
from bilevel_jax.evaluation.leaderboard.image_scores import ImageScores
from bilevel_jax.images.files import write_image
from bilevel_jax.inference import Fuser, TrivialFuser
from bilevel_jax.training.config import default_config
from bilevel_jax.training.signals import StopRequest

SMOKE = Path(__file__).parents[2] / "experiments" / "configs" / "smoke.py"
ROWS = "fusion_only,no_semantic"  # quick to compile: neither trains a semantic network beside the fusion network


def command(out, rows=ROWS, *more):
    changes = {"data.num_train": 8, "rows.steps": 2, "warm_start.steps": 0, "checkpoint_every": 100, "sheet_every": 0}
    flags = [f"--config={SMOKE}", f"--out={out}", f"--rows={rows}", "--reference=fusion_only"]
    flags += [f"--config.{key}={value}" for key, value in changes.items()]
    return run_command(ablation_command, ["ablation.py", *flags, *more])


def figures(out):
    """The table as text that can be compared, NaN too; times differ."""
    table = json.loads((out / "screen" / "ablation.json").read_text())
    for row in table["rows"].values():
        row["figures"].pop("ms a step")
    return json.dumps(table, indent=1)


def known_cells(config, sets, inputs, seeds, folder, **options):
    """In place of the networks that learn from the images, which would take seconds to compile."""
    assert options["split"] == "val"  # rows are chosen by these figures
    cell = {
        "split": "val",
        "names": ["a", "b"],
        "groups": [],
        "classes": ["x", "y"],
        "confusions": [[[3, 1], [0, 4]], [[2, 2], [1, 3]]],
    }
    return {name: {seed: cell for seed in seeds} for name in inputs}


@pytest.mark.parametrize("learns", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_stopped_continued_and_failed(tmp_path, monkeypatch, capsys, learns):
    if not learns:
        monkeypatch.setattr(ablation_run, "train_cells", known_cells)
    # The second row is stopped within its training.
    asked, trained = StopRequest.asked_of_any, []

    def stop_in_the_second_row(self, step):
        trained.append(step)
        self.asked = len(trained) == 2 + 1  # a row takes a quarter of 8 steps
        return asked(self, step)

    monkeypatch.setattr(StopRequest, "asked_of_any", stop_in_the_second_row)
    out, whole = tmp_path / "out", tmp_path / "whole"
    assert command(out) == 75
    finished = out / "screen" / "rows" / "fusion_only" / "seed_0" / "training.json"
    written = finished.stat().st_mtime_ns
    assert list(json.loads(figures(out))["rows"]) == ["fusion_only"]
    shutil.copytree(out, whole)
    shutil.rmtree(whole / "screen" / "rows" / "no_semantic")
    assert command(out) == 0
    assert trained == [1, 2, 1, 2] and finished.stat().st_mtime_ns == written
    assert "no_semantic" in capsys.readouterr().out
    assert command(whole) == 0 and figures(out) == figures(whole)
    table = json.loads(figures(out))
    assert list(table["rows"]) == ROWS.split(",")
    for row in table["rows"].values():
        found = row["figures"]
        assert row["seeds"] == [0] and not row["failed"] and 1 <= found["mean_rank"][0] <= 2
        assert 0 <= found["mIoU_all"][0] <= 1 and found["VIF"][0] > 0 and found["correction/visual"] == [0.0]
    assert table["rows"]["no_semantic"]["difference"]["figure"] == "mIoU_all"
    assert table["rows"]["fusion_only"]["difference"] is None

    # Nothing is left to do; other settings are not mixed in; a row that fails says so, and the others are there.
    monkeypatch.setattr(ablation_run, "train", lambda *_: (_ for _ in ()).throw(RunError("loss is nan at step 3")))
    assert command(out, ROWS, "--config.bilevel.outer_every=1") == 2
    assert "outer_every = 2, and it is 1 now; expected another --out" in capsys.readouterr().err
    assert command(out, f"{ROWS},released") == 0
    table = json.loads((out / "screen" / "ablation.json").read_text())
    assert table["rows"]["released"]["failed"]["0"].startswith("loss is nan at step 3") and len(table["rows"]) == 3
    assert "released, seed 0 failed: loss is nan at step 3" in capsys.readouterr().out


@pytest.mark.slow
def test_detectors_start_from_one_network_and_images_are_ranked(tmp_path, capsys):
    from bilevel_jax.commands.downstream import downstream_command

    rng = np.random.default_rng(0)
    for camera in ("ir", "vi"):
        for name in "ab":
            write_image(tmp_path / camera / f"{name}.png", rng.integers(0, 255, (48, 64, 1), dtype=np.uint8))
    measures = ("EN", "SD", "SF", "AG", "MI", "SCD", "VIF", "Qabf", "SSIM")
    lines = [f"{name},{method}," + ",".join(["1"] * 9) for name in "ab" for method in ("one", "two")]
    (tmp_path / "peers.csv").write_text("\n".join(["image,method," + ",".join(measures), *lines]) + "\n")
    start, task = tmp_path / "start.safetensors", "--config.semantic.task=detection"
    flags = [f"--config={SMOKE}", task, "--inputs=ir,max", "--matched", "--seeds=0", "--steps=2"]
    flags += [f"--save={start}", f"--out={tmp_path / 'start'}"]
    assert run_command(downstream_command, ["downstream.py", *flags]) == 0 and start.exists()
    more = [task, f"--init={start}", f"--ir={tmp_path / 'ir'}", f"--vis={tmp_path / 'vi'}"]
    more += [f"--published={tmp_path / 'peers.csv'}", "--seeds=0,1", "--estimator=f2sa"]
    assert command(tmp_path / "out", "joint,f2sa", *more) == 0
    out = tmp_path / "out" / "screen"
    table = json.loads((out / "ablation.json").read_text())
    assert table["against"] == 2 and list(table["rows"]) == ["joint", "f2sa"]
    for row in table["rows"].values():
        assert row["seeds"] == [0, 1] and all(1 <= rank <= 3 for rank in row["figures"]["mean_rank"])
        assert "AP50/person" in row["figures"]
    assert "±" in (out / "ablation.md").read_text()
    origin = json.loads((out / "detector" / "settings.json").read_text())["initial"]
    assert len(origin["sha256"]) == 16
    # Without the common start the same folder is refused.
    assert command(tmp_path / "out", "joint,f2sa", *(flag for flag in more if "--init" not in flag)) == 2
    assert "holds cells made with initial.sha256" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--stage=final", "--rows="], "--rows is missing; --stage=final expects"),
        (["--rows=other"], "--rows has 'other'; expected some of"),
        (["--seeds=x"], "--seeds=x"),
        (["--reference=theory"], "--reference=theory is no row; expected one of fusion_only"),
        (["--ir=/nowhere"], "--vis is missing"),
        (["--published=/nowhere"], "--ir and --vis are missing"),
        (["--ir=/nowhere", "--vis=/nowhere"], "/nowhere does not exist"),
        (["--detector=/nowhere.py"], "/nowhere.py: there is no such file"),
        (["--init=/nowhere.safetensors"], "/nowhere.safetensors does not exist"),
        (["--config.bilevel.single_level=True"], "expected 1 where config.bilevel.single_level"),
    ],
)
def test_bad_usage(flags, message, capsys, tmp_path):
    assert command(tmp_path / "out", ROWS, *flags) == 2
    said = capsys.readouterr().err.strip()
    assert re.search(message, said) and len(said.splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_judges_see_each_row_and_no_detector_is_trained(tmp_path, monkeypatch, capsys, write_detector):
    """One judge, two rows at two seeds whose networks are rules; the same command looks at nothing again."""
    detector = write_detector(tmp_path / "constant.onnx", [(0, 0, 16, 16, 0, 0.9), (0, 0, 32, 32, 2, 0.9)])
    rng = np.random.default_rng(0)
    for number in range(6):
        for camera, channels in (("ir", 1), ("vi", 3)):
            image = rng.integers(0, 256, (64, 64, channels)).astype(np.uint8)
            write_image(tmp_path / "pairs" / camera / f"{number:03d}{'DN'[number % 2]}.png", image)
        boxes = tmp_path / "pairs" / "boxes" / f"{number:03d}{'DN'[number % 2]}.txt"
        boxes.parent.mkdir(exist_ok=True)
        boxes.write_text("0 0.125 0.125 0.25 0.25\n" + "1 0.25 0.25 0.5 0.5\n" * (number % 2))
    (tmp_path / "pairs" / "classes.txt").write_text("person\ncar\n")

    trained, seen, measured = [], [], []

    def known_training(row, seed, config, sets, folder, stop):
        trained.append((row.name, seed))
        return {"step_s": 0.1, "rho": {}, "correction": {}}

    def known_scores(folder, fuser, sets, pairs, check_stop):
        return ImageScores(("a", "b"), tuple(MEASURES), {"fused": np.ones((2, 9))})

    rule_of = lambda folder: TrivialFuser("average" if "no_semantic" in str(folder) else "max")
    monkeypatch.setattr(ablation_run, "_trained", known_training)
    monkeypatch.setattr(ablation_run, "_scores", known_scores)
    monkeypatch.setattr(ablation_run, "train_cells", None)  # nobody may train a detector
    monkeypatch.setattr(Fuser, "from_workdir", rule_of)
    look, observe = DetectionJudge.look, row_appearance.measure_set
    monkeypatch.setattr(DetectionJudge, "look", lambda self, image: (seen.append(1), look(self, image))[1])
    monkeypatch.setattr(row_appearance, "measure_set", lambda *of: (measured.append(1), observe(*of))[1])
    flags = [f"--judge={detector}", f"--data={tmp_path / 'pairs'}", "--split=all", "--seeds=0,1", "--reference=max"]
    flags += ["--base_row=fusion_only", "--appearance=judged"]
    assert command(tmp_path / "out", ROWS, *flags) == 0
    assert len(trained) == 4 and len(measured) == 4
    # `max` and the row of the same images: a file each; the rule is looked at once.
    assert len(seen) == 6 * (1 + 4)
    said = capsys.readouterr().out
    table = json.loads((tmp_path / "out" / "screen" / "ablation.json").read_text())
    assert table["pairs"] == 0 and "mIoU_all" not in table["rows"]["fusion_only"]["figures"]
    found = table["judged"]
    assert (found["reference"], found["base"], found["judges"]) == ("max", "fusion_only", {"constant": "yolox"})
    assert found["sets"] == [{"name": "pairs", "split": "all", "images": 6, "groups": {"all": 6, "day": 3, "night": 3}}]
    row = found["rows"]["no_semantic"]
    # The judge finds the same in every image, so nobody is better than the rule. There are no cars by day.
    assert row["gain"]["all"]["AP50"] == {"value": 0.0, "bounds": [0.0, 0.0], "seeds": [0.0, 0.0]}
    assert "AP50/car" in row["difference"]["night"] and "AP50/car" not in row["gain"]["day"]
    assert found["rows"]["fusion_only"]["difference"] == {}
    assert len(table["appearance"]["rows"]["no_semantic"]["daylight"]) == 2
    assert "better than max" in said and "Appearance, of each measure the worst of pairs/all by day (3)" in said
    assert command(tmp_path / "out", ROWS, *flags) == 0 and len(seen) == 30 and len(measured) == 4
    assert capsys.readouterr().out == said


@pytest.mark.parametrize("how", ["own", "mixed in"])
def test_sets_of_appearance_that_the_rows_are_trained_on_are_refused(how, tmp_path, monkeypatch, capsys):
    rng = np.random.default_rng(0)
    root, out = tmp_path / "pairs", tmp_path / "out"
    for number in range(10):
        for camera, channels in (("ir", 1), ("vi", 3)):
            image = rng.integers(0, 256, (64, 64, channels)).astype(np.uint8)
            write_image(root / camera / f"{number:03d}.png", image)
    flags = []
    if how == "own":
        flags += ["--config.data.name=folder", f"--config.data.root={root}"]
    else:
        flags += [f"--config.data.mix=(('folder','{root}',1.0,'images'),)"]

    def reached(*_):
        raise InputError("the sets are accepted")

    monkeypatch.setattr(module, "_detector", reached)
    ask = lambda text: (command(out, "fusion_only", *flags, f"--appearance={text}"), capsys.readouterr().err)
    code, said = ask(root)
    assert code == 2 and "the network of --config was trained on" in said and f"--appearance={root}:" in said
    assert ask(f"{root}:val") == (2, "error: the sets are accepted\n")
    # Pairs that were held out when the ablation began and are trained on in another division are still held out.
    sets = open_sets(configured(root), 0)
    place = out / "screen" / ("." if how == "own" else "mixed/pairs")
    keep_lists(sets.held_out, place)
    for number in range(10, 20):
        for camera in ("ir", "vi"):
            shutil.copy(root / camera / "000.png", root / camera / f"000{number}.png")
    assert ask(f"{root}:val") == (2, "error: the sets are accepted\n")
    (place / "train.txt").write_text("".join(f"{name}\n" for name in sets.validation.names))
    assert "was trained on" in ask(f"{root}:val")[1]


def configured(root):
    config = default_config().data
    config.name, config.root = "folder", str(root)
    return config


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--base_row=ignore"], "--base_row is for judges"),
        (["--data=a,b"], "--data has several folders, which only --judge takes"),
        (["--judge=/nowhere.onnx", "--reference=max", "--base_row=theory"], "--base_row=theory is no row"),
        (["--judge=/nowhere.onnx", "--reference=max", "--init=/nowhere"], "--init is for the detector"),
        (["--judge=/nowhere.onnx", "--reference=max"], "/nowhere.onnx"),
        (["--appearance=judged"], "--appearance=judged needs the sets of --judge"),
    ],
)
def test_bad_usage_of_judges(flags, message, capsys, tmp_path):
    pytest.importorskip("onnxruntime")
    assert command(tmp_path / "out", ROWS, *flags) == 2
    said = capsys.readouterr().err.strip()
    assert re.search(message, said) and len(said.splitlines()) == 1
    assert not (tmp_path / "out").exists()
