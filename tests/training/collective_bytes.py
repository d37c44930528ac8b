"""A program: WEIGHTING. Prints what the collectives of the compiled steps move on 2, 4, 8 devices, and should move."""

import functools
import json
import re
import sys

import jax
import numpy as np
from eight_devices import BATCH, configuration, host_batch
from jax.sharding import AxisType, NamedSharding, PartitionSpec

from bilevel_jax.training.devices import AXES, state_shardings
from bilevel_jax.training.networks import networks_from_config
from bilevel_jax.training.problem import problem_from_config
from bilevel_jax.training.state import Optimizers, initial_state
from bilevel_jax.training.step import inner_step, outer_step

WIDTHS = {"f32": 4, "s32": 4, "u32": 4, "pred": 1, "bf16": 2, "u8": 1, "s64": 8}
COLLECTIVE = re.compile(r"= (.+?) (all-reduce|all-gather|reduce-scatter|all-to-all|collective-permute)(?:-start)?\(")


def moved(compiled) -> int:
    """Bytes of the results of all collectives: for an all-reduce what every device gives and gets."""
    total = 0
    for line in compiled.as_text().splitlines():
        if found := COLLECTIVE.search(line):
            for kind, sides in re.findall(r"(\w+)\[([\d,]*)\]", found[1]):
                total += WIDTHS[kind] * int(np.prod([int(side) for side in sides.split(",") if side], initial=1))
    return total


def main(weighting: str) -> None:
    config = configuration("segmentation", weighting)
    networks = networks_from_config(config, ("person",), tuple("abcdefghi"))
    optimizers, problem = Optimizers(config, num_tasks=2), problem_from_config(config, networks)
    state = jax.eval_shape(lambda: initial_state(config, networks, optimizers))
    fixed = dict(config=config, problem=problem, optimizers=optimizers)
    size = lambda tree: sum(4 * int(np.prod(leaf.shape)) for leaf in jax.tree.leaves(tree))
    gradients = 1 if weighting == "random" else 2  # with a Gramian each task's own
    again = size(state.inner_params["visual"])  # the discriminator's two losses are reduced one by one
    expected = {
        "inner": size(state.inner_params) + again,
        "outer": gradients * size(state.outer_params) + 2 * size(state.inner_params) + again,  # and F_v, f_v for rho
    }
    rows = []
    for devices in (2, 4, 8):
        mesh = jax.make_mesh((devices, 1), AXES, axis_types=(AxisType.Auto,) * 2, devices=jax.devices()[:devices])
        split = NamedSharding(mesh, PartitionSpec(AXES))
        batch = {k: jax.ShapeDtypeStruct(v.shape, v.dtype, sharding=split) for k, v in host_batch(0).items()}
        placed = jax.tree.map(
            lambda leaf, sharding: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=sharding),
            state, state_shardings(mesh, state),
        )  # fmt: skip
        after = state_shardings(mesh, state), NamedSharding(mesh, PartitionSpec())
        for name, step, batches in (("inner", inner_step, [batch]), ("outer", outer_step, [batch, batch])):
            jitted = jax.jit(functools.partial(step, **fixed), out_shardings=after)
            found = moved(jitted.lower(placed, *batches).compile())
            rows.append({"devices": devices, "step": name, "moved": found, "expected": expected[name]})
    print(json.dumps({"batch": BATCH, "rows": rows}))


if __name__ == "__main__":
    main(*sys.argv[1:])
