"""The documents' tables of methods, made of the registries.

python -m bilevel_jax.bilevel.tables     prints both
"""

import re
from collections.abc import Callable, Sequence

from bilevel_jax.bilevel.docstrings import references, summary
from bilevel_jax.bilevel.hypergradient import ESTIMATORS
from bilevel_jax.bilevel.weighting import WEIGHTINGS, example_options, named_weighting

MANY_TASKS = 8  # a number that every weighting's example allows


def weighting_table() -> str:
    """A Markdown table of all weightings: what each does and needs, what it promises, and when to choose it."""
    rows = []
    for name, factory in WEIGHTINGS.items():
        traits = factory.traits
        rule = named_weighting(name, **example_options(name, MANY_TASKS))
        needs = rule.needs.replace("_", " ")
        needs = f"{needs}, {traits.least_tasks} tasks" if traits.least_tasks > 1 else needs
        promises = "; ".join(traits.promises)
        rows.append(
            [f"`{name}`", summary(factory), needs, promises, paper_link(traits.paper, factory), traits.choose_for]
        )
    return _markdown(["name", "update", "needs", "promises", "paper", "when to choose it"], rows)


def estimator_table() -> str:
    """A Markdown table of all estimators: what each computes and costs, where it is exact, and when to choose it."""
    rows = []
    for name, factory in ESTIMATORS.items():
        traits = factory.traits
        about = [f"`{name}`", summary(factory), traits.cost, traits.exact_where, traits.keeps]
        rows.append([*about, paper_link(traits.paper, factory), traits.choose_for])
    titles = ["name", "hypergradient", "cost", "exact where", "state or extra", "paper", "when to choose it"]
    return _markdown(titles, rows)


def paper_link(short: str, factory: Callable[..., object]) -> str:
    """The short reference, as a link where the docstring's References give an arXiv number."""
    found = re.search(r"arXiv (\d+\.\d+)", references(factory))
    return f"[{short}](https://arxiv.org/abs/{found[1]})" if found and short else short


def _markdown(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [titles, ["---"] * len(titles), *([_escaped(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _escaped(text: str) -> str:
    """A text whose bars, stars and angle brackets Markdown shows as they are; parts in backticks stay."""
    parts = text.split("`")
    parts[::2] = [re.sub(r"([|*<>])", r"\\\1", part) for part in parts[::2]]
    return "`".join(parts)


if __name__ == "__main__":
    print(f"{weighting_table()}\n\n{estimator_table()}")
