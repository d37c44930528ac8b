"""Where arrays live: one mesh over all devices of all processes, batches split over it, states replicated or sharded.

The mesh has two axes, "data" and "fsdp". A batch is split over both; a state is replicated over "data", and over "fsdp"
its large arrays are split. The compiler puts in the communication, so the steps know nothing of it.
"""

import json
import os
from typing import Any

import jax
import numpy as np
from jax.experimental import multihost_utils
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec
from orbax.checkpoint import multihost

from bilevel_jax.errors import InputError

AXES = ("data", "fsdp")
SMALLEST_SPLIT = 4096  # elements; below it an array is replicated: the messages would cost more than the memory

# What tells a process that it is one of several: Slurm, Open MPI, Cloud TPU pods, and JAX's own variables (GKE).
CLUSTER_COUNTS = ("SLURM_NTASKS", "OMPI_COMM_WORLD_SIZE", "JAX_NUM_PROCESSES")
CLUSTER_MARKS = ("JAX_COORDINATOR_ADDRESS", "MEGASCALE_COORDINATOR_ADDRESS")


def join_cluster(
    coordinator: str | None = None, num_processes: int | None = None, process_id: int | None = None
) -> None:
    """Connects this process to the others of its run; nothing happens where it is the only one.

    Called before anything touches a device. Without arguments the cluster's environment decides (Slurm, Open MPI, a
    Cloud TPU pod, GKE); `coordinator` is HOST:PORT of process 0, and then the other two are needed as well.

    Raises:
        InputError: one of the three without the others.
    """
    given = (coordinator, num_processes, process_id)
    if any(value is not None for value in given):
        if any(value is None for value in given):
            raise InputError("--coordinator, --num_processes and --process_id go together; one of them is missing.")
        if not 0 <= process_id < num_processes:
            raise InputError(f"--process_id is {process_id}; expected 0 to {num_processes - 1}, below --num_processes.")
        jax.distributed.initialize(coordinator, num_processes, process_id)
    elif _in_cluster():
        jax.distributed.initialize()


def wait_for_first_process() -> None:
    """Called by every process at its end: the connection lasts while the first one still works."""
    if jax.process_count() > 1:
        multihost.sync_global_processes("end of the run", timeout=7 * 24 * 3600)
        jax.distributed.shutdown()


def _in_cluster() -> bool:
    several = any(os.environ.get(name, "1").isdigit() and int(os.environ.get(name, "1")) > 1 for name in CLUSTER_COUNTS)
    pod = "," in os.environ.get("TPU_WORKER_HOSTNAMES", "")
    return several or pod or any(name in os.environ for name in CLUSTER_MARKS)


def device_mesh(fsdp: int = 1) -> Mesh:
    """A mesh over all devices, `fsdp` of them to a group that shares one copy of the state.

    Raises:
        InputError: `fsdp` does not divide the number of devices.
    """
    count = jax.device_count()
    if count % fsdp:
        raise InputError(f"config.fsdp is {fsdp}; expected a divisor of the {count} devices.")
    # Auto axes: the compiler places what is between inputs and outputs.
    return jax.make_mesh((count // fsdp, fsdp), AXES, axis_types=(AxisType.Auto,) * 2)


def check_batch_size(mesh: Mesh, key: str, batch_size: int, parts: int = 1) -> None:
    """Raises InputError where a global batch cannot be split evenly, and proposes the nearest size that can."""
    least = mesh.size * parts
    if batch_size % least:
        nearest = max(least, round(batch_size / least) * least)
        each = f"the {mesh.size} devices" + (f" times config.accumulate = {parts}" if parts > 1 else "")
        raise InputError(f"{key} is {batch_size}, the global batch; expected a multiple of {each}, such as {nearest}.")


def state_shardings(mesh: Mesh, state: Any) -> Any:
    """A NamedSharding for every array of a state (or of its shapes).

    Over "fsdp" an array of SMALLEST_SPLIT elements or more is split along the longest axis that it divides.
    """

    def sharding(leaf: Any) -> NamedSharding:
        axes: list[str | None] = [None] * len(leaf.shape)
        whole = [i for i, size in enumerate(leaf.shape) if size % mesh.shape["fsdp"] == 0]
        if mesh.shape["fsdp"] > 1 and whole and np.prod(leaf.shape) >= SMALLEST_SPLIT:
            axes[max(whole, key=lambda i: leaf.shape[i])] = "fsdp"
        return NamedSharding(mesh, PartitionSpec(*axes))

    return jax.tree.map(sharding, state)


def place_state(mesh: Mesh, state: Any) -> Any:
    """A state on the devices of the mesh; every process gives the same values."""

    def place(leaf: Any, sharding: NamedSharding) -> jax.Array:
        leaf = np.asarray(leaf)
        return jax.make_array_from_callback(leaf.shape, sharding, lambda index: leaf[index])

    return jax.tree.map(place, state, state_shardings(mesh, state))


def place_batch(mesh: Mesh, batch: Any) -> Any:
    """A batch of numpy arrays, each process's part of the global one, as global arrays split along their first axis."""
    sharding = NamedSharding(mesh, PartitionSpec(AXES))
    return jax.tree.map(lambda leaf: jax.make_array_from_process_local_data(sharding, leaf), batch)


def replicate(mesh: Mesh, tree: Any) -> Any:
    """The same arrays on every device; every process gives the same values."""
    sharding = NamedSharding(mesh, PartitionSpec())
    return jax.tree.map(lambda leaf: jax.make_array_from_process_local_data(sharding, np.asarray(leaf)), tree)


def whole(tree: Any) -> Any:
    """The arrays of a state as numpy arrays, put together where several processes share them; called by all of them."""
    return jax.device_get(tree) if jax.process_count() == 1 else multihost_utils.process_allgather(tree, tiled=True)


def of_first_process(figures: dict[str, float]) -> dict[str, float]:
    """What the first process gives, in all processes; called by all of them."""
    if jax.process_count() == 1:
        return figures
    text = np.zeros(4096, np.uint8)
    given = np.frombuffer(json.dumps(figures).encode(), np.uint8)
    text[: len(given)] = given
    return json.loads(bytes(multihost_utils.broadcast_one_to_all(text)).rstrip(b"\0"))
