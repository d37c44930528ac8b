"""From ImageNet weights by another package's names to a trained run and its table, by the commands alone."""

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
SMOKE = ROOT / "experiments" / "configs" / "smoke.py"
GOLDEN = ROOT / "tests" / "golden" / "backbones.py"


@pytest.mark.slow
@pytest.mark.parametrize(
    "name, options",
    [
        ("mit_b0", ["--config.semantic.network=segformer_b0"]),
        (
            "resnet18",
            ["--config.semantic.network=deeplab", "--config.semantic.norm=frozen"]
            + ["--config.semantic.depth=18", "--config.semantic.width=64", "--config.semantic.stem_stride=4"],
        ),
    ],
)
def test_a_run_starts_from_imported_weights(command, tmp_path, name, options):
    spec = importlib.util.spec_from_file_location("backbones", GOLDEN)
    golden = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(golden)
    shapes = json.loads(str(np.load(GOLDEN.with_suffix(".npz"))[f"{name}/shapes"]))
    np.savez(tmp_path / f"{name}.npz", **golden.synthetic(shapes))
    converted = tmp_path / "converted.safetensors"
    done = command("convert", "backbone", f"--weights={tmp_path / name}.npz", f"--out={converted}")
    assert done.returncode == 0 and f"{name}: " in done.stdout, done.stderr
    train = ["train", f"--config={SMOKE}", f"--workdir={tmp_path / 'run'}", f"--config.semantic.backbone={converted}"]
    done = command(*train, *options, "--config.steps=4", "--config.rows.steps=2")
    assert done.returncode == 0, done.stderr
    # Once for the run's own network, once for those of the table's rows.
    said = [line for line in done.stdout.splitlines() if line.startswith("semantic: ") and " arrays of " in line]
    assert len(said) == 2 and all(f" arrays of {name} from {converted}, " in line for line in said)
    # A run that goes on needs the file no more; its rows are done too.
    converted.unlink()
    done = command(*train, *options, "--config.steps=4", "--config.rows.steps=2")
    assert done.returncode == 0 and " arrays of " not in done.stdout, done.stderr
