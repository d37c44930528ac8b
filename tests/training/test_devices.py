"""Eight devices train as one does; a batch or a group that does not fit the devices is refused."""

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import jax
import numpy as np
import pytest
from jax.sharding import AbstractMesh, AxisType, PartitionSpec

from bilevel_jax.errors import InputError
from bilevel_jax.training import devices

FEW = [
    ("segmentation", "upgrad", 2, 3),
    ("detection", "random", "pmap", 2),
    ("segmentation", "upgrad", "shard_map", 2),
]
MORE = [
    (task, weighting, how, 20)
    for task in ("segmentation", "detection")
    for weighting in ("random", "mgda", "upgrad")
    for how in (1, 4)
]
FLOAT64 = [("segmentation", "random", 1, 20), ("detection", "upgrad", 4, 20)]


def check_eight_devices_are_one(precision, cases, tolerance):
    flags = os.environ["XLA_FLAGS"] + " --xla_force_host_platform_device_count=8"
    line = [sys.executable, str(Path(__file__).with_name("eight_devices.py")), precision, json.dumps(cases)]
    environment = os.environ | {"XLA_FLAGS": flags}
    done = subprocess.run(line, env=environment, capture_output=True, text=True, timeout=900, check=False)
    assert done.returncode == 0, done.stderr
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(found) == len(cases)
    for case, differences in zip(cases, found, strict=True):
        assert differences["moved"] > 1e-3
        assert differences["losses"] <= tolerance and differences["parameters"] <= tolerance, (case, differences)


def test_eight_devices_are_one():
    check_eight_devices_are_one("float32", FEW, 1e-5)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("precision", "case", "tolerance"),
    [("float32", case, 1e-5) for case in MORE] + [("float64", case, 1e-9) for case in FLOAT64],
)
def test_eight_devices_are_one_for_longer(precision, case, tolerance):
    check_eight_devices_are_one(precision, [case], tolerance)


def mesh_of(data, fsdp):
    return AbstractMesh((data, fsdp), devices.AXES, axis_types=(AxisType.Auto,) * 2)


def test_only_large_arrays_are_split_and_along_the_longest_axis_that_divides():
    shapes = {"kernel": (3, 3, 64, 192), "odd": (3, 3, 75, 75), "bias": (192,), "scalar": ()}
    state = {name: jax.ShapeDtypeStruct(shape, np.float32) for name, shape in shapes.items()}
    split = {name: s.spec for name, s in devices.state_shardings(mesh_of(2, 4), state).items()}
    assert split == {
        "kernel": PartitionSpec(None, None, None, "fsdp"),
        "odd": PartitionSpec(None, None, None, None),
        "bias": PartitionSpec(None),
        "scalar": PartitionSpec(),
    }
    assert all(s.is_fully_replicated for s in devices.state_shardings(mesh_of(8, 1), state).values())


@pytest.mark.parametrize(("size", "nearest"), [(12, 16), (11, 8), (3, 8), (100, 96)])
def test_a_batch_that_does_not_divide_is_refused_with_the_nearest_that_does(size, nearest):
    with pytest.raises(InputError, match=f"batch_size is {size}, .* multiple of the 8 devices, such as {nearest}"):
        devices.check_batch_size(mesh_of(4, 2), "config.data.batch_size", size)
    devices.check_batch_size(mesh_of(4, 2), "config.data.batch_size", nearest)


def test_a_group_that_does_not_divide_the_devices_is_refused():
    with pytest.raises(InputError, match="config.fsdp is 7; expected a divisor of the"):
        devices.device_mesh(7)


@pytest.mark.parametrize(
    ("environment", "joins"),
    [
        ({}, False),
        ({"SLURM_NTASKS": "1"}, False),
        ({"SLURM_NTASKS": "4"}, True),
        ({"OMPI_COMM_WORLD_SIZE": "2"}, True),
        ({"TPU_WORKER_HOSTNAMES": "localhost"}, False),
        ({"TPU_WORKER_HOSTNAMES": "a,b"}, True),
        ({"JAX_COORDINATOR_ADDRESS": "a:1"}, True),
    ],
)
def test_a_cluster_is_joined_where_the_environment_tells_of_one(monkeypatch, environment, joins):
    calls = []
    monkeypatch.setattr(devices.os, "environ", environment)
    monkeypatch.setattr(devices.jax, "distributed", SimpleNamespace(initialize=lambda *given: calls.append(given)))
    devices.join_cluster()
    assert calls == [()] * joins


def test_flags_of_a_cluster_go_together():
    with pytest.raises(InputError, match="go together"):
        devices.join_cluster("localhost:1234")
    with pytest.raises(InputError, match="expected 0 to 1"):
        devices.join_cluster("localhost:1234", 2, 2)


@pytest.mark.slow
@pytest.mark.parametrize("weighting", ["random", "mgda"])
def test_devices_exchange_gradients_and_nothing_of_the_size_of_a_batch(weighting):
    """What theory says: the outer gradient once (K times for a Gramian), F_v and f_v for rho, the inner gradients once.

    The discriminator sees the real and the fused images, and its two gradients are reduced one by one; scalars add up.
    """
    flags = os.environ["XLA_FLAGS"] + " --xla_force_host_platform_device_count=8"
    line = [sys.executable, str(Path(__file__).with_name("collective_bytes.py")), weighting]
    done = subprocess.run(line, env=os.environ | {"XLA_FLAGS": flags}, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout.splitlines()[-1])["rows"]
    assert {row["devices"] for row in rows} == {2, 4, 8}
    for row in rows:
        assert row["expected"] <= row["moved"] <= 1.06 * row["expected"], row
    for step in ("inner", "outer"):
        assert len({row["moved"] for row in rows if row["step"] == step}) == 1  # whatever the number of devices
