"""Part (e): what the weighting and combination of K gradients add to the gradients."""

from collections.abc import Iterator, Sequence

import jax

from bilevel_jax.benchmarks import core_cost, core_networks
from bilevel_jax.benchmarks.accelerator.measure import MIB, peak_mib
from bilevel_jax.benchmarks.accelerator.results import Row


def rows(*, network: str, tasks: int, weightings: Sequence[str], repeats: int) -> Iterator[Row]:
    """A row a weighting of the update of `dynamic_aggregate` on stacked gradients [K, *shape].

    `ms` is the update alone, least of the calls after a first. `result` holds it against K separate gradients, and
    the whole step (gradients and update; one pull where the weights are known beforehand) against one gradient of the
    summed loss.

    Args:
        network: a name in `core_networks.NETWORKS`; "30M" has 30 million parameters.
        tasks: K.
        weightings: names of `bilevel.WEIGHTINGS`.
        repeats: calls after the first.
    """
    costs, stacked = core_cost.gradient_costs(core_networks.NETWORKS[network], tasks, repeats)
    separate = tasks * costs.one.seconds
    for name, cost in core_cost.weighting_costs(weightings, stacked, repeats):
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
