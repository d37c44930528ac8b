"""Writes one page for each weighting and each estimator, made of the registries and of the methods' own docstrings."""

import inspect
import re
from collections.abc import Callable, Mapping
from pathlib import Path

from api_pages import write_changed
from docstring_markdown import docstring, escaped

from bilevel_jax.bilevel import ESTIMATORS, WEIGHTINGS, named_weighting
from bilevel_jax.bilevel.docstrings import references
from bilevel_jax.bilevel.registry import Option, options_of
from bilevel_jax.bilevel.tables import MANY_TASKS, paper_link
from bilevel_jax.bilevel.weighting import example_options

PULLS = {True: "one for all tasks, with `combined_gradient`", False: "one for each task"}


def write_method_pages(folder: Path) -> None:
    """Writes FOLDER/weightings/NAME.md and FOLDER/estimators/NAME.md, and removes pages of former methods."""
    for kind, registry, page in (
        ("weightings", WEIGHTINGS, weighting_page),
        ("estimators", ESTIMATORS, estimator_page),
    ):
        place = folder / kind
        place.mkdir(parents=True, exist_ok=True)
        for path in place.glob("*.md"):
            if path.stem not in registry:
                path.unlink()
        write_changed({name: page(name) for name in registry}, place)


def weighting_page(name: str) -> str:
    """The page of one weighting."""
    factory, traits = WEIGHTINGS[name], WEIGHTINGS[name].traits
    rule = named_weighting(name, **example_options(name, MANY_TASKS))
    facts = {
        "paper": paper_link(traits.paper, factory),
        "needs": rule.needs.replace("_", " "),
        "backward passes": PULLS[rule.one_pull],
        "fewest tasks": str(traits.least_tasks),
        "promises": escaped("; ".join(traits.promises)),
    }
    arguments = "".join(f", {key}={value!r}" for key, value in example_options(name, 4).items())
    use = f'tx = optax.chain(dynamic_aggregate("{name}", num_tasks=4{arguments}), optax.sgd(0.1))'
    return _page(name, factory, traits.choose_for, facts, use, f"--config.bilevel.weighting={name}")


def estimator_page(name: str) -> str:
    """The page of one estimator."""
    factory, traits = ESTIMATORS[name], ESTIMATORS[name].traits
    facts = {
        "paper": paper_link(traits.paper, factory),
        "cost": escaped(traits.cost),
        "exact where": escaped(traits.exact_where),
        "state or extra": escaped(traits.keeps),
    }
    required = "".join(f", {key}=..." for key, option in _options(factory).items() if option.required)
    use = f'method = estimator("{name}", outer_loss, inner_loss{required})'
    return _page(name, factory, traits.choose_for, facts, use, "")


def _page(
    name: str, factory: Callable[..., object], choose_for: str, facts: Mapping[str, str], use: str, flag: str
) -> str:
    # The options stand in their table, and the references below.
    text = re.sub(r"^(Args|References):\n(?:[ \t]+.*\n?|\n)*", "", inspect.getdoc(factory) or "", flags=re.MULTILINE)
    summary, _, rest = text.partition("\n\n")
    rows = [f"| {title} | {fact} |" for title, fact in facts.items() if fact]
    lines = [f"# {name}", "", docstring(summary), "", "| | |", "|---|---|", *rows, ""]
    lines += ["## When to choose it", "", escaped(_sentence(choose_for)), ""]
    lines += ["## Options", "", *_options_table(_options(factory)), ""]
    lines += ["```python", use, "```", ""]
    lines += [f"In a training run: `{flag}`.", ""] if flag else []
    lines += ["## What it does", "", docstring(rest), ""] if rest else []
    lines += ["## References", "", escaped(references(factory)), ""]
    return "\n".join(lines)


def _sentence(clause: str) -> str:
    """A clause with a full stop, and a capital letter unless it begins with a variable such as v."""
    first = clause.split()[0]
    return (clause if len(first) == 1 and first != "a" else clause[:1].upper() + clause[1:]).rstrip(".") + "."


def _options(factory: Callable[..., object]) -> dict[str, Option]:
    return {name: option for name, option in options_of(factory).items() if option.help}


def _options_table(options: Mapping[str, Option]) -> list[str]:
    if not options:
        return ["None."]
    rows = ["| option | default | meaning |", "|---|---|---|"]
    for name, option in options.items():
        default = "required" if option.required else f"`{option.default!r}`"
        choices = f" One of {', '.join(f'`{choice!r}`' for choice in option.choices)}." if option.choices else ""
        rows.append(f"| `{name}` | {default} | {escaped(option.help)}{choices} |")
    return rows
