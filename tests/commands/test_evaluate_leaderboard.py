"""evaluate.py with --ir and --vis: fused images of methods, the weights of the package among them, bad usage."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from bilevel_jax.commands.evaluate import evaluate_command
from bilevel_jax.commands.evaluate_leaderboard import named_folders
from bilevel_jax.errors import run_command
from bilevel_jax.evaluation.leaderboard.score_file import read_scores
from bilevel_jax.images.files import read_image, write_image
from bilevel_jax.images.trivial_fusion import TRIVIAL_METHODS
from bilevel_jax.inference import Fuser, TrivialFuser, fuse_files
from bilevel_jax.metrics import fusion

SIZE = (51, 64)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """Three pairs, and two methods: the maximum itself, and one that blurs all it sees into one grey."""
    root, rng = tmp_path_factory.mktemp("pairs"), np.random.default_rng(0)
    for name in ("a", "b", "c"):
        for camera in ("ir", "vi"):
            write_image(root / camera / f"{name}.png", rng.integers(0, 256, SIZE).astype(np.uint8))
        write_image(root / "grey" / f"{name}.jpg", np.full(SIZE, 128, np.uint8) + rng.integers(0, 2, SIZE).astype("u1"))
    fuse_files(TrivialFuser("max"), root / "ir", root / "vi", root / "copy")
    return root


def test_the_command(root, tmp_path, capsys):
    flags = [f"--ir={root / 'ir'}", f"--vis={root / 'vi'}", f"--fused=ours={root / 'copy'}", f"--fused={root / 'grey'}"]
    assert run_command(evaluate_command, ["evaluate.py", *flags, f"--out={tmp_path}", f"--report={tmp_path}"]) == 0
    said = capsys.readouterr().out
    assert "Means over 3 images" in said and "warning: grey is beaten" in said
    rows = json.loads((tmp_path / "leaderboard.json").read_text())["rows"]
    assert {"ours", "grey", *TRIVIAL_METHODS} == {row["name"] for row in rows}
    page = (tmp_path / "index.html").read_text()
    assert "laplacian_saliency" in page and "grey is beaten" in page and "data:image" in page
    assert "| ours " in (tmp_path / "leaderboard.md").read_text()
    assert read_scores(tmp_path / "per_image.csv", ["a", "b", "c"]).metrics == tuple(fusion.FAMILIES["paper"])


def test_the_appearance_below_a_leaderboard(root, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(
        "bilevel_jax.metrics.fusion.evaluate", lambda *a, **k: dict.fromkeys(fusion.FAMILIES["paper"], 1)
    )
    (tmp_path / "boxes").mkdir()
    (tmp_path / "boxes" / "a.txt").write_text("0 0.5 0.5 0.5 0.5\n")
    shutil.copytree(root / "copy", tmp_path / "copy")
    shutil.copytree(root / "grey", tmp_path / "copy" / root.name)  # not read: the scores do not read it either
    flags = [f"--ir={root / 'ir'}", f"--vis={root / 'vi'}", f"--fused=ours={tmp_path / 'copy'}"]
    flags += ["--rules=max", f"--boxes={tmp_path / 'boxes'}", f"--out={tmp_path}", f"--report={tmp_path}"]
    assert run_command(evaluate_command, ["evaluate.py", *flags]) == 0
    said = capsys.readouterr().out
    assert said.index("Means over 3 images") < said.index("Appearance, pairs")
    rows = json.loads((tmp_path / "appearance.json").read_text())["groups"][0]["rows"]
    assert list(rows) == ["ours", "max"] and rows["ours"] == rows["max"]  # the folder holds the maximum's images
    assert rows["max"]["target"] is not None and rows["max"]["frame"] is None  # 51 x 64 pixels are all rim
    assert "| ours " in (tmp_path / "appearance.md").read_text()
    assert "Appearance: pairs" in (tmp_path / "index.html").read_text()


def test_a_method_of_a_leaderboard(pretrained_weights, tmp_path, monkeypatch, capsys):
    rng, root = np.random.default_rng(1), tmp_path / "pairs"
    for name in ("a", "b"):
        for camera in ("ir", "vi"):
            write_image(root / camera / f"{name}.png", rng.integers(0, 256, (40, 48)).astype(np.uint8))
    scored = []

    def evaluate(ir, vis, fused, **_):
        scored.append(fused)
        return dict.fromkeys(fusion.FAMILIES["paper"], 1.0)

    monkeypatch.setattr("bilevel_jax.metrics.fusion.evaluate", evaluate)
    line = ["evaluate.py", f"--ir={root / 'ir'}", f"--vis={root / 'vi'}", "--fused=pretrained"]
    assert run_command(evaluate_command, [*line, f"--out={tmp_path / 'out'}"]) == 0
    pair = [read_image(root / camera / "a.png") for camera in ("ir", "vi")]
    np.testing.assert_array_equal(scored[0], Fuser.pretrained().fuse(*pair))
    rows = json.loads((tmp_path / "out" / "leaderboard.json").read_text())["rows"]
    assert {"pretrained", "max"} < {row["name"] for row in rows}
    np.testing.assert_array_equal(read_image(tmp_path / "out" / "fused" / "pretrained" / "a.png"), scored[0])
    before = set((tmp_path / "out").rglob("*"))
    assert run_command(evaluate_command, line) == 0 and set((tmp_path / "out").rglob("*")) == before  # nothing is left
    capsys.readouterr()
    assert run_command(evaluate_command, [*line, "--fused=pretrained"]) == 2
    assert "--fused has 'pretrained' twice" in capsys.readouterr().err
    assert run_command(evaluate_command, [*line, "--fused=pretrained:third"]) == 2
    assert "no pretrained weights 'third'; expected one of" in capsys.readouterr().err


def test_rules_and_colours_by_name(pretrained_weights, root, tmp_path, monkeypatch):
    monkeypatch.setattr(
        "bilevel_jax.metrics.fusion.evaluate", lambda *a, **k: dict.fromkeys(fusion.FAMILIES["paper"], 1.0)
    )
    line = ["evaluate.py", f"--ir={root / 'ir'}", f"--vis={root / 'vi'}", f"--out={tmp_path}"]
    assert run_command(evaluate_command, [*line, "--fused=pretrained+hue", "--rules=max,heat+hue+exposed"]) == 0
    rows = json.loads((tmp_path / "leaderboard.json").read_text())["rows"]
    kinds = {row["name"]: row["kind"] for row in rows}
    assert kinds == {"pretrained+hue": "method", "max": "baseline", "heat+exposed+hue": "baseline"}
    assert (tmp_path / "fused" / "pretrained+hue" / "a.png").is_file()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda root, tmp: [f"--fused={tmp / 'none'}"], "none is no folder"),
        (lambda root, tmp: [f"--fused=m={tmp}"], r"m misses 3 of 3 images \(a, b, c\)"),
        (lambda root, tmp: [f"--fused=max={root / 'grey'}"], "'max', and a method without learning has that name"),
        (lambda root, tmp: [f"--fused={root / 'grey'}"] * 2, "'grey', and the folder .* has that name already"),
        (lambda root, tmp: ["--rules=max,haet"], "'haet' is not known; expected one of average, .*; did you mean heat"),
        (lambda root, tmp: ["--fused=pretrained+hues"], "option 'hues'.*did you mean hue"),
        (lambda root, tmp: ["--workdir=w"], "--workdir and --ir are both given"),
        (lambda root, tmp: ["--published=nowhere.csv"], "nowhere.csv cannot be read"),
        (lambda root, tmp: ["--vis="], "--vis is missing"),
    ],
)
def test_bad_usage(root, tmp_path, capsys, monkeypatch, change, message):
    # Scoring is not what is refused here: no method without learning, and no compilation.
    monkeypatch.setattr(
        "bilevel_jax.metrics.fusion.evaluate", lambda *a, **k: dict.fromkeys(fusion.FAMILIES["paper"], 1)
    )
    flags = [f"--ir={root / 'ir'}", f"--vis={root / 'vi'}", *change(root, tmp_path)]
    assert run_command(evaluate_command, ["evaluate.py", *flags]) == 2
    said = capsys.readouterr().err.strip().splitlines()
    assert re.search(message, said[-1]), said


def test_names_of_folders():
    assert named_folders(["runs/x/fused/", "y=runs/y/fused"], "fused") == {
        "fused": Path("runs/x/fused"),
        "y": Path("runs/y/fused"),
    }
