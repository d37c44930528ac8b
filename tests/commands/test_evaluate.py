"""evaluate.py and fuse.py on a finished run."""

import json

import numpy as np
import pytest

from bilevel_jax.data.scenes import SceneSource
from bilevel_jax.images.files import read_image, write_image


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A user's folder of three pairs with labels and boxes, made of the built-in scenes."""
    root = tmp_path_factory.mktemp("pairs")
    scenes = SceneSource(3, seed=5, height=50, width=71)
    for name in ("boxes", "labels"):
        (root / name).mkdir()
    for i, name in enumerate(("a", "b", "c")):
        record = scenes[i]
        write_image(root / "thermal" / f"{name}.png", record["ir"])
        write_image(root / "RGB" / f"{name}.png", record["vis"])
        write_image(root / "labels" / f"{name}.png", record["labels"].astype(np.uint8)[..., None])
        y0, x0, y1, x1 = (record["boxes"] / [50, 71, 50, 71]).T
        lines = zip(record["classes"], (x0 + x1) / 2, (y0 + y1) / 2, x1 - x0, y1 - y0, strict=True)
        (root / "boxes" / f"{name}.txt").write_text("".join(f"{c} {x} {y} {w} {h}\n" for c, x, y, w, h in lines))
    (root / "classes.txt").write_text("\n".join(scenes.class_names) + "\n")
    (root / "label_names.txt").write_text("\n".join(scenes.label_names) + "\n")
    return root


def test_the_table_of_the_test_is_that_of_training(command, smoke_run):
    workdir, printed = smoke_run
    done = command("evaluate", f"--workdir={workdir}")
    assert done.returncode == 0, done.stderr
    table = [line for line in printed.splitlines() if line.startswith(("ir ", "vis ", "average ", "fused "))]
    assert len(table) == 4 and "test, 4 pairs:" in printed and "test, 4 pairs:" in done.stdout
    assert (workdir / "table.md").read_text().startswith("test, 4 pairs:")
    made = json.loads((workdir / "table.json").read_text())
    assert (made["split"], made["pairs"]) == ("test", 4)
    assert "ppearance" not in (workdir / "table.json").read_text() + (workdir / "table.md").read_text()
    appearance = json.loads((workdir / "appearance.json").read_text())
    assert list(appearance["worst"]) == ["ir", "vis", "average", "fused"]
    assert json.loads((workdir / "evaluation" / "held_out_test_appearance.json").read_text()) == appearance
    assert printed.index("test, 4 pairs:") < printed.index("Appearance, ")
    assert [
        line for line in done.stdout.splitlines() if line.startswith(("ir ", "vis ", "average ", "fused "))
    ] == table


def test_any_folder_with_predictions_and_a_page(command, smoke_run, folder, tmp_path):
    page = tmp_path / "page"
    done = command(
        "evaluate", f"--workdir={smoke_run[0]}", f"--data={folder}", f"--predictions={tmp_path}", f"--report={page}"
    )
    assert done.returncode == 0, done.stderr
    rows = json.loads((smoke_run[0] / "evaluation" / f"{folder.name}.json").read_text())["rows"]
    assert list(rows) == ["ir", "vis", "average", "fused"] and all("mIoU_occurring" in row for row in rows.values())
    labels = read_image(tmp_path / "fused" / "labels" / "b.png")
    assert labels.shape == (50, 71, 1) and labels.max() < 9
    assert read_image(tmp_path / "fused" / "overlays" / "b.png").ndim == 3
    text = (page / "index.html").read_text(encoding="utf-8")
    assert all(f"b: {view}" in text for view in ("infrared", "fused", "predicted classes", "true classes"))
    assert "Appearance: " in text and "share of a box&#x27;s pixels" in text
    assert "Outer losses" in text and f"--report={page}" in text  # the run's curves, the command


def test_other_classes_are_refused(command, smoke_run, folder, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    for part in ("thermal", "RGB", "labels"):
        (other / part).symlink_to(folder / part)
    names = (folder / "label_names.txt").read_text().replace("guardrail", "lamp")
    (other / "label_names.txt").write_text(names)
    done = command("evaluate", f"--workdir={smoke_run[0]}", f"--data={other}")
    assert done.returncode == 2 and "lamp" in done.stderr and "guardrail" in done.stderr


def test_evaluate_without_a_run(command, tmp_path):
    done = command("evaluate", f"--workdir={tmp_path}")
    assert done.returncode == 2 and "has no config.json" in done.stderr


def test_fuse_a_folder_with_the_run(command, smoke_run, folder, tmp_path):
    done = command(
        "fuse",
        f"--ir={folder / 'thermal'}",
        f"--vis={folder / 'RGB'}",
        f"--out={tmp_path}",
        f"--workdir={smoke_run[0]}",
    )
    assert done.returncode == 0, done.stderr
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.png", "b.png", "c.png"]
    fused = read_image(tmp_path / "a.png")
    assert fused.shape == (50, 71, 3) and fused.dtype == np.uint8
    assert np.abs(fused.astype(int) - read_image(folder / "RGB" / "a.png")).mean() > 1  # not the visible image again
