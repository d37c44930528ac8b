"""Part (e): what weighting and combining K gradients costs beside the gradients themselves."""

from collections.abc import Iterator, Sequence

import jax

from bilevel_jax.benchmarks import core_cost, core_networks
from bilevel_jax.benchmarks.accelerator.measure import MIB, peak_mib
from bilevel_jax.benchmarks.accelerator.results import Row
from bilevel_jax.errors import RunError


def rows(*, network: str, tasks: int, weightings: Sequence[str], repeats: int) -> Iterator[Row]:
    """Yields a row for each weighting: the update of `dynamic_aggregate` on stacked gradients [K, *shape].

    `ms` is the update alone, the least of the calls after the first. `result` compares it with K separate gradients. It
    also compares the whole step, gradients and update, with one gradient of the summed loss. The whole step has a
    single pull (backward pass) if the weights are known beforehand.

    Args:
        network: a name in `core_networks.NETWORKS`; "30M" has 30 million parameters.
        tasks: K.
        weightings: names of `bilevel.WEIGHTINGS`.
        repeats: calls after the first.

    Raises:
        RunError: a weighting needs more than K tasks.
    """
    costs, stacked = core_cost.gradient_costs(core_networks.NETWORKS[network], tasks, repeats)
    separate = tasks * costs.one.seconds
    for name, cost in core_cost.weighting_costs(weightings, stacked, repeats):
        if isinstance(cost, str):
            raise RunError(f"{name} cannot weigh {tasks} tasks: {cost}")
        whole = core_cost.whole_step(name, costs, cost, tasks)
        share, step = 100 * cost.seconds / separate, whole / costs.plain.seconds
        row: Row = {
            "what": f"dynamic_aggregate {name}, K = {tasks}, {network}",
            "ms": 1e3 * cost.seconds,
            "result": f"{share:.1f} % of {tasks} gradients ({1e3 * separate:.1f} ms); step {step:.2f} plain gradients",
            "details": {
                "one_gradient_ms": 1e3 * costs.one.seconds,
                "plain_gradient_ms": 1e3 * costs.plain.seconds,
                "stacked_gradients_ms": 1e3 * costs.stacked.seconds,
                "combined_gradient_ms": 1e3 * costs.combined.seconds,
                "update_temporary_mib": cost.temporary / MIB,
                "stack_mib": 4 * core_networks.size(stacked) / MIB,
            },
        }
        peak = peak_mib(jax.devices()[0])
        if peak is not None:
            row["peak_mib"] = peak
        yield row
