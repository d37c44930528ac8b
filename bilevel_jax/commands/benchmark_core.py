"""The command `benchmark.py core`: flags -> measurements -> tables."""

from collections.abc import Iterator, Sequence
from typing import Any

from absl import flags

from bilevel_jax.atomic import write_text
from bilevel_jax.benchmarks import core_cost
from bilevel_jax.benchmarks.core_cost import MIB, Cost
from bilevel_jax.benchmarks.core_networks import NETWORKS, Network, parameters, size
from bilevel_jax.benchmarks.torchjd_cost import torchjd_seconds
from bilevel_jax.bilevel import ESTIMATORS, WEIGHTINGS, named_weighting
from bilevel_jax.bilevel.weighting import example_options
from bilevel_jax.command_line import parse_flags
from bilevel_jax.errors import InputError
from bilevel_jax.report.tables import format_table

USAGE = """python experiments/benchmark.py core [--networks=0.4M,30M] [--tasks=2,8] [--out=FILE.md]
Prints what each weighting and each estimator costs, in units of one plain gradient of the summed loss."""


def core_command(argv: Sequence[str]) -> None:
    """Measures and prints the tables, and writes them to --out."""

    def define(values: flags.FlagValues) -> None:
        flags.DEFINE_list("networks", ["0.4M", "30M"], f"of {', '.join(NETWORKS)}", flag_values=values)
        flags.DEFINE_list("tasks", ["2", "8"], "numbers of tasks K", flag_values=values)
        flags.DEFINE_list("weightings", sorted(WEIGHTINGS), "which; none: an empty list", flag_values=values)
        flags.DEFINE_list("estimators", sorted(ESTIMATORS), "which; none: an empty list", flag_values=values)
        flags.DEFINE_integer("repeats", 3, "calls whose least time counts, after a first", 1, flag_values=values)
        flags.DEFINE_integer("examples", None, "of a batch, in place of the network's", 1, flag_values=values)
        flags.DEFINE_string("out", None, "Markdown file for the tables", flag_values=values)

    values = parse_flags(define, argv, USAGE, compilation_cache="off")
    for flag, table in (("networks", NETWORKS), ("weightings", WEIGHTINGS), ("estimators", ESTIMATORS)):
        for name in values[flag].value:
            if name not in table:
                raise InputError(f"--{flag} has {name!r}; expected names of {', '.join(sorted(table))}.")
    tasks = [_number_of_tasks(text) for text in values.tasks]
    texts = []
    for name in values.networks:
        network = NETWORKS[name]
        network = network if values.examples is None else network._replace(examples=values.examples)
        parts: list[Iterator[str]] = []
        if values.weightings:
            parts += [_weightings(name, network, number, values.weightings, values.repeats) for number in tasks]
        if values.estimators:
            parts.append(_estimators(name, network, tasks[0], values.estimators, values.repeats))
        for part in parts:
            for text in part:
                print(text, flush=True)
                texts.append(text)
    if values.out:
        write_text(values.out, "\n\n".join(texts) + "\n")


def _number_of_tasks(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= 16:
        raise InputError(f"--tasks has {text!r}; expected numbers from 1 to 16.")
    return int(text)


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
        row: dict[str, Any] = {"weighting": weighting}
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
