"""Measuring alignments: known warps, a file that is continued, and the tables."""

import json

import numpy as np
import pytest

from bilevel_jax.benchmarks.alignment import measure as module
from bilevel_jax.benchmarks.alignment.random_warps import random_transform, warped
from bilevel_jax.benchmarks.alignment.tables import error_rows, shift_rows, trust_rows
from bilevel_jax.commands.benchmark_align import align_command
from bilevel_jax.errors import run_command
from bilevel_jax.images.files import write_image
from bilevel_jax.registration import KINDS, corner_distance, move_infrared


@pytest.mark.parametrize("kind", KINDS)
def test_a_warped_image_is_moved_back(kind):
    y, x = np.mgrid[:90, :120]
    smooth = (0.5 + 0.4 * np.sin(x / 9) * np.cos(y / 7)).astype(np.float32)
    known = random_transform(kind, (90, 120), 3)
    back = move_infrared(warped(smooth, known), known)
    inside = np.zeros((90, 120), bool)
    inside[30:60, 40:80] = True
    assert np.abs(back.image[..., 0] - smooth)[inside].max() < 0.05
    assert corner_distance(known, random_transform(kind, (90, 120), 3)) == pytest.approx(0, abs=1e-9)


def test_a_measurement_is_continued(tmp_path, capsys, monkeypatch):
    random = np.random.default_rng(0)
    for name in "abc":
        picture = np.kron(random.integers(0, 256, (8, 10)), np.ones((8, 8))).astype(np.uint8)
        write_image(tmp_path / "set" / "ir" / f"{name}.png", picture)
        write_image(tmp_path / "set" / "vi" / f"{name}.png", 255 - picture)
    answer = random_transform("translation", (64, 80), 0), 0.7
    monkeypatch.setattr(module, "_estimated", lambda method, infrared, visible: answer)
    flags = f"--data={tmp_path}", "--sets=set", f"--out={tmp_path / 'out.jsonl'}", "--methods=translation"
    assert run_command(align_command, ["benchmark.py", *flags, "--pairs=2"]) == 0
    first = (tmp_path / "out.jsonl").read_text().splitlines()
    assert [json.loads(line)["seed"] for line in first] == [0, 2] and json.loads(first[0])["after"] < 1e-9
    assert run_command(align_command, ["benchmark.py", *flags, "--pairs=3"]) == 0
    lines = (tmp_path / "out.jsonl").read_text().splitlines()
    assert lines[:2] == first and len(lines) == 3
    assert "| translation |" in capsys.readouterr().out
    assert run_command(align_command, ["benchmark.py", *flags, "--methods=magic"]) == 2


def test_the_tables_count():
    row = {"set": "s", "method": "affine", "seed": 0, "size": (9, 9), "before": 20.0, "repeated": 0.5, "seconds": 0.25}
    rows = [
        row | {"name": str(i), "after": after, "trust": trust, "shift": shift}
        for i, (after, trust, shift) in enumerate([(1.0, 0.9, None), (2.0, 0.3, (4, 0)), (9.0, 0.1, None)])
    ]
    (errors,) = error_rows(rows)
    assert errors["median"] == 2 and errors["above 5 px"] == "33 %" and errors["ms"] == 250
    at = {line["trust below"]: line for line in trust_rows(rows)}
    assert at[0.2]["errors above 5 px, of 1"] == "100 %" and at[0.2]["others, of 2"] == "0 %"
    assert at[0.35]["others, of 2"] == "50 %"
    assert shift_rows(rows) == [{"set": "s", "pairs": 3, "reported as shifted": 1}]
