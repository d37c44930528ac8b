"""Loops of a fixed number of steps: written out in the program, or one step compiled once."""

from collections.abc import Callable
from typing import Literal, get_args

import jax

from bilevel_jax.bilevel.trees import PyTree

Loop = Literal["auto", "scan", "unroll"]
FEW = 16  # steps that "auto" writes out


def unrolls(loop: Loop, steps: int, axis_name: str | None = None) -> bool:
    """Whether a loop is written out.

    "unroll" writes every step into the program: a scan around convolutions is many times slower on CPU. "scan" compiles
    one step, whatever their number. "auto" writes out few steps, and all of them over a mapped axis, where a scan would
    ask for a carry of one kind on all devices.

    Raises:
      ValueError: `loop` is none of these.
    """
    if loop not in get_args(Loop):
        raise ValueError(f"loop must be one of {get_args(Loop)}, got {loop!r}")
    return loop == "unroll" or (loop == "auto" and (steps <= FEW or axis_name is not None))


def repeated(
    step: Callable[[PyTree, PyTree], PyTree], carry: PyTree, steps: int, unroll: bool, each: PyTree = None
) -> PyTree:
    """The carry after `steps` applications of step(carry, slice of each); `each` has a leading axis of `steps`."""
    if not unroll:
        return jax.lax.scan(lambda c, given: (step(c, given), None), carry, each, length=steps)[0]
    for number in range(steps):
        carry = step(carry, jax.tree.map(lambda a, n=number: a[n], each))
    return carry
