"""A checkpoint made on one device goes on with eight, and then with two, arrays placed as the devices ask."""

import os
import subprocess
import sys

SCRIPT = """
import sys
import jax, numpy as np
from jax.sharding import AxisType
from ml_collections import ConfigDict
from bilevel_jax.checkpoints import Run, load_run
from bilevel_jax.training.devices import AXES, place_state

def mesh(data, fsdp):
    devices = jax.devices()[: data * fsdp]
    return jax.make_mesh((data, fsdp), AXES, axis_types=(AxisType.Auto,) * 2, devices=devices)

rng = np.random.default_rng(0)
values = {"kernel": rng.normal(size=(3, 3, 64, 32)).astype(np.float32), "step": np.int32(7)}
run = Run(sys.argv[1], ConfigDict({}), keep=1)
run.save(1, place_state(mesh(1, 1), values), {"next": 1}, wait=True)
for step, devices in enumerate([(2, 4), (1, 2), (8, 1), (1, 1)], start=2):
    blank = place_state(mesh(*devices), {"kernel": np.zeros_like(values["kernel"]), "step": np.int32(0)})
    _, found, position = run.restore(blank)
    assert position == {"next": step - 1}
    for name, leaf in found.items():
        assert leaf.sharding == blank[name].sharding, (devices, name)
        np.testing.assert_array_equal(leaf, values[name])
    assert len(found["kernel"].sharding.device_set) == devices[0] * devices[1]
    assert found["kernel"].sharding.is_fully_replicated == (devices[1] == 1)
    run.save(step, found, {"next": step}, wait=True)
run.close()
np.testing.assert_array_equal(load_run(sys.argv[1])[1]["kernel"], values["kernel"])
print("restored")
"""


def test_a_checkpoint_goes_to_any_number_of_devices(tmp_path):
    environment = os.environ | {"XLA_FLAGS": "--xla_force_host_platform_device_count=8"}
    line = [sys.executable, "-c", SCRIPT, str(tmp_path)]
    done = subprocess.run(line, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0 and "restored" in done.stdout, done.stderr
