"""Where arrays live: one mesh over all devices of all processes.

The mesh has two axes, "data" and "fsdp". A batch is split over both. A state is replicated over "data", and its large
arrays are split over "fsdp". The compiler inserts the communication, so the steps do not mention devices.
"""

import json
import os
from typing import TypeVar

import jax
import numpy as np
from jax.experimental import multihost_utils
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec
from orbax.checkpoint import multihost

from bilevel_jax.bilevel.trees import PyTree
from bilevel_jax.errors import InputError

T = TypeVar("T")

AXES = ("data", "fsdp")
SMALLEST_SPLIT = 4096  # elements; smaller arrays are replicated, since the messages would cost more than the memory

# Variables by which a process sees that it is one of several: Slurm, Open MPI, Cloud TPU pods, JAX's own (GKE).
CLUSTER_COUNTS = ("SLURM_NTASKS", "OMPI_COMM_WORLD_SIZE", "JAX_NUM_PROCESSES")
CLUSTER_MARKS = ("JAX_COORDINATOR_ADDRESS", "MEGASCALE_COORDINATOR_ADDRESS")


def join_cluster(
    coordinator: str | None = None, num_processes: int | None = None, process_id: int | None = None
) -> None:
    """Connects this process to the other processes of its run; does nothing where it is the only one.

    It must be called before anything touches a device.

    Args:
        coordinator: HOST:PORT of process 0. None leaves all three to the cluster's environment (Slurm, Open MPI, a
            Cloud TPU pod, GKE).
        num_processes: how many processes make the run.
        process_id: which of them this is, from 0.

    Raises:
        InputError: one of the three is given without the others, or `process_id` is out of range.
    """
    if coordinator is not None or num_processes is not None or process_id is not None:
        if coordinator is None or num_processes is None or process_id is None:
            raise InputError("--coordinator, --num_processes and --process_id go together; one of them is missing.")
        if not 0 <= process_id < num_processes:
            raise InputError(f"--process_id is {process_id}; expected 0 to {num_processes - 1}, below --num_processes.")
        jax.distributed.initialize(coordinator, num_processes, process_id)
    elif _in_cluster():
        jax.distributed.initialize()


def wait_for_first_process() -> None:
    """Keeps the connection open until the first process has ended. Collective: every process must call it."""
    if jax.process_count() > 1:
        multihost.sync_global_processes("end of the run", timeout=7 * 24 * 3600)
        jax.distributed.shutdown()


def _in_cluster() -> bool:
    several = any(os.environ.get(name, "1").isdigit() and int(os.environ.get(name, "1")) > 1 for name in CLUSTER_COUNTS)
    pod = "," in os.environ.get("TPU_WORKER_HOSTNAMES", "")
    return several or pod or any(name in os.environ for name in CLUSTER_MARKS)


def device_mesh(fsdp: int = 1) -> Mesh:
    """Returns a mesh over all devices, in which groups of `fsdp` devices share one copy of the state.

    Raises:
        InputError: `fsdp` does not divide the number of devices.
    """
    count = jax.device_count()
    if count % fsdp:
        raise InputError(f"config.fsdp is {fsdp}; expected a divisor of the {count} devices.")
    # With axes of type Auto the compiler places what is between inputs and outputs.
    return jax.make_mesh((count // fsdp, fsdp), AXES, axis_types=(AxisType.Auto,) * 2)


def check_batch_size(mesh: Mesh, key: str, batch_size: int, parts: int = 1) -> None:
    """Refuses a global batch that cannot be split evenly over the devices and over the parts of `config.accumulate`.

    Args:
        mesh: of all devices.
        key: of the configuration, for the message.
        batch_size: of the global batch.
        parts: in how many parts a device takes its batch.

    Raises:
        InputError: the message proposes the nearest size that can be split.
    """
    least = mesh.size * parts
    if batch_size % least:
        nearest = max(least, round(batch_size / least) * least)
        each = f"the {mesh.size} devices" + (f" times config.accumulate = {parts}" if parts > 1 else "")
        raise InputError(f"{key} is {batch_size}, the global batch; expected a multiple of {each}, such as {nearest}.")


def state_shardings(mesh: Mesh, state: PyTree) -> PyTree:
    """Returns a NamedSharding for every array of a state (or of its shapes).

    An array of SMALLEST_SPLIT elements or more is split over "fsdp", along its longest axis that "fsdp" divides.
    """

    def sharding(leaf: jax.Array | jax.ShapeDtypeStruct) -> NamedSharding:
        axes: list[str | None] = [None] * len(leaf.shape)
        whole = [i for i, size in enumerate(leaf.shape) if size % mesh.shape["fsdp"] == 0]
        if mesh.shape["fsdp"] > 1 and whole and np.prod(leaf.shape) >= SMALLEST_SPLIT:
            axes[max(whole, key=lambda i: leaf.shape[i])] = "fsdp"
        return NamedSharding(mesh, PartitionSpec(*axes))

    return jax.tree.map(sharding, state)


def place_state(mesh: Mesh, state: T) -> T:
    """Returns a state placed on the devices of the mesh; every process must give the same values."""

    def place(leaf: PyTree, sharding: NamedSharding) -> jax.Array:
        leaf = np.asarray(leaf)
        return jax.make_array_from_callback(leaf.shape, sharding, lambda index: leaf[index])

    return jax.tree.map(place, state, state_shardings(mesh, state))


def place_batch(mesh: Mesh, batch: PyTree) -> PyTree:
    """Returns a batch as global arrays that are split along their first axis.

    Args:
        mesh: over whose devices they are split.
        batch: numpy arrays, this process's part of the global batch.
    """
    sharding = NamedSharding(mesh, PartitionSpec(AXES))
    return jax.tree.map(lambda leaf: jax.make_array_from_process_local_data(sharding, leaf), batch)


def replicate(mesh: Mesh, tree: PyTree) -> PyTree:
    """Returns the same arrays on every device; every process must give the same values."""
    sharding = NamedSharding(mesh, PartitionSpec())
    return jax.tree.map(lambda leaf: jax.make_array_from_process_local_data(sharding, np.asarray(leaf)), tree)


def whole(tree: T) -> T:
    """Returns a pytree with numpy arrays, each put together from the processes that share it.

    Collective: every process must call it.
    """
    return jax.device_get(tree) if jax.process_count() == 1 else multihost_utils.process_allgather(tree, tiled=True)


def of_first_process(figures: dict[str, float]) -> dict[str, float]:
    """Broadcasts process 0's figures. Collective: every process must call it."""
    if jax.process_count() == 1:
        return figures
    text = np.zeros(4096, np.uint8)
    given = np.frombuffer(json.dumps(figures).encode(), np.uint8)
    text[: len(given)] = given
    return json.loads(bytes(multihost_utils.broadcast_one_to_all(text)).rstrip(b"\0"))
