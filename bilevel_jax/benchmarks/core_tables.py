"""Formats what the methods of the core cost as Markdown tables: `benchmark.py core`."""

from collections.abc import Iterator, Sequence

from bilevel_jax.benchmarks import core_cost
from bilevel_jax.benchmarks.core_cost import MIB, Cost
from bilevel_jax.benchmarks.core_networks import NETWORKS, Network, parameters, size
from bilevel_jax.benchmarks.torchjd_cost import torchjd_seconds
from bilevel_jax.bilevel import ESTIMATORS, WEIGHTINGS, named_weighting
from bilevel_jax.bilevel.weighting import example_options
from bilevel_jax.report.text_table import format_table

NETWORK_NAMES = tuple(NETWORKS)
WEIGHTING_NAMES = tuple(sorted(WEIGHTINGS))
ESTIMATOR_NAMES = tuple(sorted(ESTIMATORS))
KNOWN = {"networks": NETWORK_NAMES, "weightings": WEIGHTING_NAMES, "estimators": ESTIMATOR_NAMES}


def core_tables(
    network_names: Sequence[str],
    tasks: Sequence[int],
    weightings: Sequence[str],
    estimators: Sequence[str],
    repeats: int,
    examples: int | None = None,
) -> Iterator[str]:
    """Measures, and yields a heading or a table as soon as it is known.

    Args:
        network_names: names in `core_networks.NETWORKS`.
        tasks: the numbers of tasks K for the weightings; the estimators get the first one.
        weightings: names; empty = no table of weightings.
        estimators: names; empty = no table of estimators.
        repeats: calls after the first one; the least time counts.
        examples: batch size; None = the network's own.
    """
    for name in network_names:
        network = NETWORKS[name] if examples is None else NETWORKS[name]._replace(examples=examples)
        if weightings:
            for number in tasks:
                yield from _weightings(name, network, number, weightings, repeats)
        if estimators:
            yield from _estimators(name, network, tasks[0], estimators, repeats)


def _weightings(name: str, network: Network, number: int, chosen: Sequence[str], repeats: int) -> Iterator[str]:
    costs, task_grads = core_cost.gradient_costs(network, number, repeats)
    stack = 4 * size(task_grads)
    separate = number * costs.one.seconds
    yield (
        f"### Weightings: {name} network, K = {number}\n\n{size(parameters(network, number)):,} parameters, batch of "
        f"{network.examples:,}; stacked gradients {stack / MIB:.0f} MiB. One plain gradient {costs.plain.seconds:.2f} "
        f"s, {number} separate ones {separate:.2f} s, task_gradients {costs.stacked.seconds:.2f} s, combined_gradient "
        f"{costs.combined.seconds:.2f} s; their temporary memory {_mib(costs.plain)}, {_mib(costs.one)}, "
        f"{_mib(costs.stacked)}, {_mib(costs.combined)} MiB."
    )
    beside = torchjd_seconds(chosen, task_grads, repeats)
    rows = []
    for weighting, cost in core_cost.weighting_costs(chosen, task_grads, repeats):
        row: dict[str, object] = {"weighting": weighting}
        if isinstance(cost, Cost):
            whole = core_cost.whole_step(weighting, costs, cost, number)
            options = example_options(weighting, number)
            row |= {
                "needs": named_weighting(weighting, **options).needs,
                "update ms": 1e3 * cost.seconds,
                f"% of {number} gradients": 100 * cost.seconds / separate,
                "temporary MiB": cost.temporary / MIB,
                "% of stack": 100 * cost.temporary / stack,
                "step / plain": whole / costs.plain.seconds,
            }
        else:
            row["needs"] = "more tasks"
        if beside:
            row["TorchJD ms"] = 1e3 * beside[weighting] if weighting in beside else None
        rows.append(row)
    yield format_table(rows, digits=2, markdown=True)


def _estimators(name: str, network: Network, number: int, chosen: Sequence[str], repeats: int) -> Iterator[str]:
    costs = dict(core_cost.estimator_costs(chosen, network, number, repeats))
    plain, model = costs["plain"], 4 * size(parameters(network, number))
    yield (
        f"### Estimators: {name} network\n\nOne task with the sum of {number} losses, batch of {network.examples:,} "
        f"(inner batch of empirical_fisher: {core_cost.FEW_EXAMPLES}); outer variable of {core_cost.GROUPS} "
        f"coordinates, inner of {model // 4:,} ({model / MIB:.0f} MiB); T, iterations = {core_cost.STEPS} (1 in "
        f"value_function, moreau_envelope, penalty). One plain gradient {plain.seconds:.2f} s, temporary memory "
        f"{_mib(plain)} MiB."
    )
    rows = [
        {
            "estimator": estimator,
            "seconds": cost.seconds,
            "/ plain": cost.seconds / plain.seconds,
            "expected": core_cost.expected_cost(estimator),
            "temporary MiB": round(cost.temporary / MIB),
            "/ plain's": cost.temporary / plain.temporary,
        }
        for estimator, cost in costs.items()
        if estimator != "plain"
    ]
    yield format_table(rows, digits=2, markdown=True)


def _mib(cost: Cost) -> str:
    return f"{cost.temporary / MIB:.0f}"
