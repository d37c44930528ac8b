"""The first part: the device and the versions that the figures belong to."""

import importlib.metadata
import platform
from collections.abc import Iterator

import jax

from bilevel_jax.benchmarks.accelerator.results import Row
from bilevel_jax.checkpoints.load import code_version

PACKAGES = ("jax", "jaxlib", "flax", "optax", "orbax-checkpoint", "numpy")


def rows() -> Iterator[Row]:
    """Yields one row. Its `details` decide which figures are comparable: device, their number, versions, commit."""
    devices = jax.devices()
    first = devices[0]
    versions = {name: _version(name) for name in PACKAGES}
    facts: dict[str, object] = {
        "platform": first.platform,
        "device": first.device_kind,
        "devices": len(devices),
        "backend": " ".join(first.client.platform_version.split()),
        "python": platform.python_version(),
        **versions,
        **{f"bilevel_jax {name}": value for name, value in code_version().items()},
    }
    limit = (first.memory_stats() or {}).get("bytes_limit")
    memory = "" if limit is None else f", {limit / 2**30:.1f} GiB for JAX"
    text = f"{len(devices)} x {first.device_kind} ({first.platform}){memory}; jax {versions['jax']}, jaxlib "
    text += f"{versions['jaxlib']}, flax {versions['flax']}, Python {facts['python']}"
    yield {"what": "device", "result": text, "details": facts}


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "unknown"
