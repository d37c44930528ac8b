"""From a download to a trained run, from the outside: train.py prepares it on first use, evaluate.py takes it too."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bilevel_jax.data.scenes import SceneSource

SMOKE = Path(__file__).parents[2] / "experiments" / "configs" / "smoke.py"


@pytest.fixture(scope="module")
def download(tmp_path_factory):
    """MFNet's layout, unpacked, of the sizes that smoke.py compiles for."""
    root = tmp_path_factory.mktemp("download") / "MFNet"
    for folder in ("images", "labels"):
        (root / folder).mkdir(parents=True)
    names = []
    for i, record in enumerate(SceneSource(12, seed=8, height=48, width=64)):
        names.append(f"{i:05d}{'DN'[i % 2]}")
        rgba = np.concatenate([record["vis"], record["ir"]], axis=-1)
        Image.fromarray(rgba).save(root / "images" / f"{names[-1]}.png")
        Image.fromarray(record["labels"].astype(np.uint8)).save(root / "labels" / f"{names[-1]}.png")
    (root / "train.txt").write_text("\n".join(names[:8]) + "\nnot_there\n")
    (root / "test.txt").write_text("\n".join(names[8:]) + "\n")
    return root


@pytest.mark.slow
def test_train_on_a_download(command, download, tmp_path):
    data = ("--config.data.name=mfnet", f"--config.data.root={download}", f"--config.data.prepared_dir={tmp_path}")
    done = command("train", f"--config={SMOKE}", f"--workdir={tmp_path / 'run'}", *data, "--config.rows.steps=0")
    assert done.returncode == 0, done.stderr
    assert "mfnet is prepared in" in done.stderr and "rejected: train not_there" in done.stderr
    assert "6 training pairs (3 inner, 3 outer), 2 val (choose), 4 test (reported)" in done.stdout
    table = json.loads((tmp_path / "run" / "table.json").read_text())["rows"]
    assert list(table) == ["ir", "vis", "average", "fused"] and all(row["EN"] > 1 for row in table.values())
    (root,) = tmp_path.glob("mfnet-*")
    night = command("evaluate", f"--workdir={tmp_path / 'run'}", f"--data={root}", "--list=test_night")
    assert night.returncode == 0, night.stderr
    assert (tmp_path / "run" / "evaluation" / f"{root.name}.json").exists()


def test_prepare_from_the_outside(command, download, tmp_path):
    done = command("prepare", "--dataset=mfnet", f"--source={download.parent}", f"--out={tmp_path / 'out'}")
    assert done.returncode == 0, done.stderr
    assert "train: 8 pairs, 4 day, 4 night (64 x 48)" in done.stdout and "1 rejected." in done.stdout
    again = command("prepare", "--dataset=mfnet", f"--source={download}", f"--out={tmp_path / 'out'}", "--seed=1")
    assert again.returncode == 2 and "prepared from other files or with other options" in again.stderr
