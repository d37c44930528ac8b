"""The times of a call that gives JAX arrays."""

import time
from collections.abc import Callable

import jax


def call_seconds(call: Callable[[], object], repeats: int) -> list[float]:
    """Returns the seconds of the first call and of `repeats` further ones, each until its result is there."""
    seconds = []
    for _ in range(repeats + 1):
        start = time.perf_counter()
        jax.block_until_ready(call())
        seconds.append(time.perf_counter() - start)
    return seconds
