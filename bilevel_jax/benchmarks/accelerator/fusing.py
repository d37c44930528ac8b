"""Part (d): images a second through `Fuser`, called as a user calls it."""

from collections.abc import Iterator, Sequence

import jax
import jax.numpy as jnp
import numpy as np

from bilevel_jax.benchmarks.accelerator.measure import compiled, median_ms, peak_mib
from bilevel_jax.benchmarks.accelerator.results import Row
from bilevel_jax.bilevel.trees import PyTree
from bilevel_jax.inference.fuser import Fuser
from bilevel_jax.models import fusion_network


def rows(*, networks: Sequence[str], sizes: Sequence[tuple[int, int]], repeats: int) -> Iterator[Row]:
    """Yields a row for each fusion network and size.

    `ms` is one call of `Fuser.fuse` on one pair: an infrared [H, W] and a visible [H, W, 3] uint8 image go in, a uint8
    image comes out, all in the host's memory. `result` has pairs a second, and the milliseconds of the network alone
    with its input on the device and without padding or tiles. The difference is work of the host and transfer.
    Parameters are random, which changes no time. `compile_s` is that of the network alone.

    Args:
        networks: names of `models.fusion_network`.
        sizes: (height, width) in pixels.
        repeats: the most calls of which the median is taken.
    """
    for name in networks:
        params = jax.jit(fusion_network(name).init)(jax.random.PRNGKey(0), *[jnp.zeros((1, 64, 64, 1))] * 2)
        for height, width in sizes:
            yield _cost(name, params, height, width, repeats)


def _cost(name: str, params: PyTree, height: int, width: int, repeats: int) -> Row:
    network = fusion_network(name)
    rng = np.random.default_rng(0)
    infrared = rng.integers(0, 256, (height, width), dtype=np.uint8)
    visible = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
    fuser = Fuser(network.apply, params, radius=network.receptive_radius)
    ms = median_ms(lambda: fuser.fuse(infrared, visible), repeats)
    pair = [jax.device_put(np.float32(image[None, ..., None]) / 255) for image in (infrared, visible[..., 0])]
    program = compiled(jax.jit(network.apply).lower, params, *pair)
    alone = median_ms(lambda: program.call(params, *pair), repeats)
    row: Row = {
        "what": f"Fuser, {name}, {width}x{height}",
        "ms": ms,
        "compile_s": program.compile_s,
        "result": f"{1e3 / ms:.1f} images/s; network alone {alone:.1f} ms",
        "details": {"images_per_s": 1e3 / ms, "network_ms": alone, "tflop": program.tflop},
    }
    peak = peak_mib(jax.devices()[0])
    if peak is not None:
        row["peak_mib"] = peak
    return row
