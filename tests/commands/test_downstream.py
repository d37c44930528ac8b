"""downstream.py with the fused images of a finished run."""

import json

import pytest


@pytest.mark.slow
def test_the_run_beside_its_inputs(command, smoke_run, tmp_path):
    flags = [f"--workdir={smoke_run[0]}", "--inputs=ir,ours,average", "--seeds=0,1", "--steps=2", f"--out={tmp_path}"]
    done = command("downstream", *flags)
    assert done.returncode == 0, done.stderr
    assert "ours - ir" in done.stdout and "ours - average" in done.stdout and "over 2 seeds" in done.stdout
    cell = json.loads((tmp_path / "cells" / "ours" / "seed_1.json").read_text())
    assert cell["origin"] == {"kind": "fused", "workdir": str(smoke_run[0].resolve()), "step": 12}
