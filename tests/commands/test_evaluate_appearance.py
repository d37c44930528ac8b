"""evaluate.py appearance: several methods on several sets, and bad usage."""

import json
import re

import numpy as np
import pytest

from bilevel_jax.commands.evaluate import evaluate_command
from bilevel_jax.errors import run_command
from bilevel_jax.images.files import write_image
from bilevel_jax.metrics.appearance import MEASURES

SIZE = (48, 64)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A set by day and by night with boxes, and a set of night pictures; a method that turns the sky black."""
    root, rng = tmp_path_factory.mktemp("sets"), np.random.default_rng(0)
    for name in ("street/{}/1D", "street/{}/2N", "street/{}/3D", "dark/{}/a"):
        infrared = rng.integers(0, 100, SIZE).astype(np.uint8)
        visible = rng.integers(0, 60, (*SIZE, 3)).astype(np.uint8)
        if name.endswith("D"):
            visible[:16] = 220
            visible[16:] += 60
        write_image(root / f"{name.format('ir')}.png", infrared)
        write_image(root / f"{name.format('vi')}.png", visible)
        black = visible.copy()
        black[:16] = 0
        write_image(root / f"{name.format('black')}.png", black)
    (root / "street" / "boxes").mkdir()
    (root / "street" / "boxes" / "1D.txt").write_text("0 0.5 0.75 0.2 0.3\n")
    (root / "street" / "classes.txt").write_text("person\n")
    (root / "street" / "val.txt").write_text("1D\n2N\n")
    folder = root / "black"
    folder.mkdir()
    (folder / "street").symlink_to(root / "street" / "black")
    (folder / "dark").symlink_to(root / "dark" / "black")
    return root


def run(*flags):
    return run_command(evaluate_command, ["evaluate.py", "appearance", *map(str, flags)])


def test_the_command(root, tmp_path, capsys):
    data = f"--data={root / 'street'}:val.txt,{root / 'dark'}"
    methods = f"--methods=ir,vis,max,heat+exposed,black={root / 'black'}"
    assert run(data, methods, f"--out={tmp_path}", f"--report={tmp_path}") == 0
    said = capsys.readouterr().out
    assert "worst, of 3 groups" in said and "street/val by day, 1 pair" in said and "dark by night, 1 pair" in said
    found = json.loads((tmp_path / "appearance.json").read_text())
    day, _, dark = found["groups"]
    assert list(day["rows"]) == ["ir", "vis", "max", "heat+exposed", "black"] == list(found["worst"])
    assert day["rows"]["black"]["sky"] == 1 and day["rows"]["max"]["sky"] == 0 and day["rows"]["ir"]["sky"] == 1
    assert day["rows"]["max"]["target"] is not None and dark["rows"]["max"]["target"] is None
    assert found["worst"]["black"]["sky"] == {"value": 1.0, "set": "street/val", "light": "day"}
    page = (tmp_path / "index.html").read_text()
    assert "Appearance: street/val by day, 1 pair" in page and all(name in page for name in MEASURES)


def test_the_distance_to_named_methods(root, tmp_path, capsys):
    flags = [f"--data={root / 'street'},{root / 'dark'}", f"--methods=vis,max,black={root / 'black'}"]
    assert run(*flags, "--distance=vis,average,black", f"--out={tmp_path}", f"--report={tmp_path}") == 0
    assert "levels of 255), smallest, of 3 groups" in capsys.readouterr().out
    nearest = json.loads((tmp_path / "appearance.json").read_text())["nearest"]
    assert list(nearest) == ["vis", "max", "black"] and list(nearest["max"]) == ["vis", "average", "black"]
    assert nearest["vis"]["vis"]["value"] == 0 and nearest["max"]["average"]["value"] > 1
    # The black sky replaces a bright one by day and a dark one by night.
    assert nearest["vis"]["black"]["light"] == "night"
    assert "Distance: smallest, of 3 groups" in (tmp_path / "index.html").read_text()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda root: [f"--data={root / 'street'},{root / 'street'}", "--methods=max"], "--data has 'street' twice"),
        (lambda root: [f"--data={root / 'street'}", "--methods=max,max"], "--methods has 'max' twice"),
        (lambda root: [f"--data={root / 'street'}", "--methods=maxx"], "'maxx' is not known.*max"),
        (lambda root: [f"--data={root / 'street'}", f"--methods=m={root / 'dark' / 'ir'}"], "m misses 3 of 3 images"),
        (
            lambda root: [f"--data={root / 'street'}", "--methods=max", "--distance=vis,vis"],
            "--distance has 'vis' twice",
        ),
        (
            lambda root: [
                f"--data={root / 'street'}",
                f"--methods=a={root / 'black'}",
                f"--distance=a={root / 'dark'}",
            ],
            "--distance=a=.*dark and --methods=a=.*black give one name to two things",
        ),
        (lambda root: [f"--data={root / 'street'}", "--methods=max", "--distance=viss"], "'viss' is not known"),
        (lambda root: [f"--data={root / 'street'}:vall", "--methods=max"], "vall"),
        (lambda root: ["--methods=max"], "--data is missing"),
        (lambda root: [f"--data={root / 'street'}"], "--methods is missing"),
    ],
)
def test_bad_usage(root, capsys, change, message):
    assert run(*change(root)) == 2
    said = capsys.readouterr().err.strip().splitlines()
    assert re.search(message, said[-1]), said
