"""downstream.py --judge on folders of pairs, with detectors and segmenters that the tests build."""

import json
import os
from pathlib import Path

import numpy as np
import pytest

from bilevel_jax.commands import downstream_judges
from bilevel_jax.commands.downstream import downstream_command
from bilevel_jax.errors import StopSignal, run_command
from bilevel_jax.evaluation.judges.detection_judge import DetectionJudge
from bilevel_jax.evaluation.judges.segmentation_judge import SegmentationJudge
from bilevel_jax.images.files import write_image

DATA = os.environ.get("BILEVEL_JAX_TEST_DATA")
JUDGES = Path(DATA).parent / "judges" if DATA else Path("nowhere")
JUDGE_FILES = ("yolox_nano.onnx", "nanodet_m_416.onnx")

pytest.importorskip("onnxruntime")


@pytest.fixture
def detector(write_detector, tmp_path):
    """Always finds the same person."""
    return write_detector(tmp_path / "constant.onnx", [(0, 0, 16, 16, 0, 0.9)])


@pytest.fixture
def segmenter(write_segmenter, tmp_path):
    """Finds the classes 0, 1 and 2 of MFNet (nothing, a car, a person) where red, green or blue is brightest."""
    return write_segmenter(tmp_path / "colours.onnx", 9, [0, 1, 2])


@pytest.fixture
def folders(tmp_path):
    """Two folders of six pairs: persons where the detector finds them, and persons elsewhere."""
    rng = np.random.default_rng(0)
    for name, box in (("right", "0 0.125 0.125 0.25 0.25"), ("wrong", "0 0.7 0.7 0.25 0.25")):
        for number in range(6):
            stem = f"{number:03d}{'DN'[number % 2]}"
            write_image(tmp_path / name / "ir" / f"{stem}.png", rng.integers(0, 256, (64, 64, 1)).astype(np.uint8))
            write_image(tmp_path / name / "vi" / f"{stem}.png", rng.integers(0, 256, (64, 64, 3)).astype(np.uint8))
            (tmp_path / name / "boxes").mkdir(exist_ok=True)
            (tmp_path / name / "boxes" / f"{stem}.txt").write_text(box + "\n")
        (tmp_path / name / "classes.txt").write_text("person\n")
    return tmp_path / "right", tmp_path / "wrong"


def run(*flags):
    return run_command(downstream_command, ["downstream.py", *map(str, flags)])


def test_the_command_pools_sets_and_keeps_what_was_found(detector, folders, tmp_path, capsys, monkeypatch):
    flags = [f"--judge={detector}", f"--data={folders[0]},{folders[1]}", "--split=all", f"--out={tmp_path / 'out'}"]
    flags.append("--inputs=ir,vi,max,late,switch")
    assert run(*flags, f"--report={tmp_path / 'page'}") == 0
    said = capsys.readouterr().out
    assert (
        "right, all, 6 pairs, 3 by day and 3 by night (by their names)" in said
        and "mean over 1 judge and 2 sets" in said
    )
    found = json.loads((tmp_path / "out" / "comparison.json").read_text())
    assert found["figures"]["right"]["constant"]["day"]["late"]["AP50/person"]["value"] == 1.0
    assert found["figures"]["wrong"]["constant"]["all"]["max"]["AP50"]["value"] == 0.0
    # A reference of 0 has no relative difference, so the other set alone is left.
    switch = found["relative"]["max"]["pooled"]["all"]["switch"]["AP50"]
    assert switch == {"value": 0.0, "bounds": [0.0, 0.0], "without": 1}
    assert "where max has the figure 0 over all images: up to 1 table of a judge and a set." in said
    assert "late" in (tmp_path / "out" / "comparison.md").read_text()
    assert "data:image" in (tmp_path / "page" / "index.html").read_text()
    # The same command looks at nothing again; one more input is looked at alone.
    seen = []
    look = DetectionJudge.look
    monkeypatch.setattr(DetectionJudge, "look", lambda self, image: (seen.append(1), look(self, image))[1])
    assert run(*flags) == 0 and capsys.readouterr().out.startswith(said.partition("\nTables")[0]) and not seen
    assert run(*flags[:-1], "--inputs=max,average") == 0 and len(seen) == 12


def test_each_input_is_judged_again_after_a_disturbance(detector, folders, tmp_path, capsys, monkeypatch):
    seen = []
    look = DetectionJudge.look
    monkeypatch.setattr(DetectionJudge, "look", lambda self, image: (seen.append(image), look(self, image))[1])
    flags = [f"--judge={detector}", f"--data={folders[0]}", "--split=all", f"--out={tmp_path / 'out'}"]
    flags += ["--inputs=vi,max,late", "--by_light"]
    assert run(*flags) == 0 and len(seen) == 18
    assert "that remains" not in capsys.readouterr().out
    # Six pairs of ir, vi and max; `late` merges what was found in the cameras' disturbed images.
    assert run(*flags, "--after=shift2", f"--report={tmp_path / 'page'}") == 0 and len(seen) == 36
    np.testing.assert_array_equal(seen[18][2:, 2:], seen[0][:-2, :-2])
    said = capsys.readouterr().out
    assert "that remains after a disturbance" in said and "max by class, day and night" in said
    found = json.loads((tmp_path / "out" / "comparison.json").read_text())
    assert list(found["figures"]["right"]["constant"]["all"]) == [
        *("vi", "vi~shift2", "max", "max~shift2", "late", "late~shift2")
    ]
    assert list(found["remaining"]["day"]) == ["vi", "late"]
    assert "What remains after a disturbance" in (tmp_path / "page" / "index.html").read_text()
    assert run(*flags, "--after=shift2,jpeg75") == 0 and len(seen) == 54
    assert run(*flags[:-2], f"--inputs=max,a~b={folders[0] / 'vi'}", "--after=shift2") == 2
    assert "'a~b'; with --after expected names without ~" in capsys.readouterr().err


def test_a_stop_says_that_the_command_continues(detector, folders, tmp_path, capsys, monkeypatch):
    def stopped(self, image):
        raise StopSignal("stopped by a signal; what the judges found is kept, and the same command resumes.")

    monkeypatch.setattr(DetectionJudge, "look", stopped)
    assert run(f"--judge={detector}", f"--data={folders[0]}", "--split=all", "--inputs=max", f"--out={tmp_path}") == 75
    assert "stopped: " in capsys.readouterr().err


def test_a_segmenter_against_agreement_maps(segmenter, folders, tmp_path, capsys):
    for name in ("000D", "001N"):
        for folder in ("maps", "one", "two"):
            write_image(tmp_path / folder / f"{name}.png", np.full((64, 64), 2, np.uint8))
    flags = [f"--judge={segmenter}", "--task=segmentation", f"--data={folders[0]}", "--split=all", "--inputs=vi,max"]
    flags += ["--judge_classes=mfnet", f"--agreement={tmp_path / 'maps'}", f"--out={tmp_path / 'out'}"]
    assert run(*flags) == 0
    said = capsys.readouterr().out
    assert said.startswith("Agreement with published segmenters, person, car and bike alone")
    assert "right, all, 2 pairs" in said and "IoU/person" in said and "No ceiling" in said
    assert run(*flags, f"--ceiling={tmp_path / 'one'},{tmp_path / 'two'}") == 0
    said = capsys.readouterr().out
    assert "the ceiling, per cent: mIoU 100.0, IoU/person 100.0, IoU/car -, IoU/bike -." in said


def test_what_segmenters_cannot_do_is_refused_before_any_of_them_looks(
    segmenter, folders, tmp_path, capsys, monkeypatch
):
    monkeypatch.setattr(SegmentationJudge, "look", None)
    for folder, size in (("maps", 64), ("one", 64), ("two", 32), ("empty", 64)):
        stem = "001N" if folder == "empty" else "000D"
        write_image(tmp_path / folder / f"{stem}.png", np.full((size, size), 2, np.uint8))
    flags = [f"--judge={segmenter}", "--task=segmentation", f"--data={folders[0]}", "--split=all"]
    flags += ["--judge_classes=mfnet", f"--agreement={tmp_path / 'maps'}", f"--out={tmp_path / 'out'}"]
    for more, message in (
        (["--inputs=max,late"], "'late', which merges boxes; expected it with --task=detection"),
        (["--inputs=max", f"--ceiling={tmp_path / 'one'},{tmp_path / 'two'}"], "two/000D is 32 x 32 pixels"),
        (["--inputs=max", f"--ceiling={tmp_path / 'one'},{tmp_path / 'empty'}"], "empty lacks 1 maps (000D)"),
    ):
        assert run(*flags, *more) == 2
        assert message in capsys.readouterr().err


def test_judges_look_whatever_the_tasks_of_a_configuration_are(detector, folders, tmp_path):
    """Judges train nothing, so a frozen task that is called as their own is nothing to them."""
    config = tmp_path / "tasks.py"
    config.write_text(
        "from bilevel_jax.training.config import default_config, task_block\n\n"
        "def get_config():\n"
        "    config = default_config()\n"
        "    config.tasks = ('visual', 'semantic', 'detection')\n"
        "    config.detection = task_block(task='detection', trainable=False, start='guard.safetensors')\n"
        "    return config\n"
    )
    data = ",".join(map(str, folders))
    flags = [f"--config={config}", f"--judge={detector}", f"--data={data}", "--split=all", "--inputs=max"]
    assert run(*flags, f"--out={tmp_path / 'out'}") == 0
    sets = json.loads((tmp_path / "out" / "comparison.json").read_text())["sets"]
    assert [own["name"] for own in sets] == ["right", "wrong"]


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--inputs=vi"], "--reference is max by default, which is none of the inputs; expected one of vi"),
        (["--inputs=vi", "--reference=ir"], "--reference=ir is none of the inputs; expected one of vi"),
        (["--inputs=max", "--seeds=3"], "--seeds is for networks that are trained"),
        (["--inputs=max", "--judge_classes=voc"], "--judge_classes is for segmenters"),
        (["--inputs=max,stacked"], "'stacked', which is for networks that are trained"),
        (["--inputs=max,noise:vi"], "'noise:vi', which is for networks that are trained"),
        (["--inputs=max", "--after=jpg75"], "'jpg75'; expected a disturbance and its strength"),
        (["--inputs=max", "--matched"], "--matched is for networks that are trained"),
        (["--inputs=max", "--agreement=maps"], "--agreement is for segmenters"),
        (["--inputs=max", "--task=segmentation", "--ceiling=a,b"], "--ceiling comes without --agreement"),
        (["--inputs=max", "--data=scenes", "--split=all"], "--split=all is for folders"),
    ],
)
def test_bad_usage(flags, message, detector, capsys, tmp_path):
    assert run(f"--judge={detector}", f"--out={tmp_path / 'out'}", *flags) == 2
    said = capsys.readouterr().err.strip()
    assert message in said and len(said.splitlines()) == 1


def test_rows_of_the_wrong_comparison_are_refused(capsys, tmp_path):
    for flags, message in (
        (["--inputs=late"], "'late'; expected a folder of images"),
        (["--inputs=vi", "--split=all"], "--split=all is for --judge"),
        (["--inputs=vi,stacked", "--matched"], "expected no stacked"),
        (["--inputs=vi", "--judge_levels=unit"], "--judge_levels is for judges; expected it with --judge=FILE.onnx"),
        (["--inputs=vi", "--ceiling=a,b"], "--ceiling is for judges"),
        (["--inputs=vi", "--after=jpeg75"], "--after is for judges"),
        (["--inputs=vi", "--by_light"], "--by_light is for judges"),
    ):
        assert run("--task=detection", "--data=scenes", *flags, f"--out={tmp_path / 'out'}") == 2
        assert message in capsys.readouterr().err


def test_ours_is_the_run_or_else_the_weights_of_the_package():
    rows = {name: type("Input", (), {"origin": origin}) for name, origin in (("vi", {}), ("p", {"weights": "x"}))}
    assert downstream_judges._ours(rows) == ["p"]
    assert downstream_judges._ours({**rows, "ours": type("Input", (), {"origin": {"workdir": "r"}})}) == ["ours"]


@pytest.mark.slow
@pytest.mark.skipif(not (JUDGES / JUDGE_FILES[0]).exists(), reason="BILEVEL_JAX_TEST_DATA has no ../judges beside it")
def test_real_judges_on_real_pairs(tmp_path):
    """Frozen figures: AP50 of person and car on msrs/val, per cent, without any training."""
    judges = ",".join(str(JUDGES / file) for file in JUDGE_FILES)
    assert run(f"--judge={judges}", f"--data={DATA}/msrs", "--split=val", "--inputs=vi,max", f"--out={tmp_path}") == 0
    figures = json.loads((tmp_path / "comparison.json").read_text())["figures"]["msrs"]
    got = {
        judge: {row: round(100 * by_group["all"][row]["AP50"]["value"], 1) for row in ("vi", "max")}
        for judge, by_group in figures.items()
    }
    assert got["yolox_nano"] == pytest.approx({"vi": 45.2, "max": 46.7}, abs=0.11)
    assert got["nanodet_m_416"] == pytest.approx({"vi": 42.0, "max": 44.2}, abs=0.11)
