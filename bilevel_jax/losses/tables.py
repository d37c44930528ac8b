"""Tables of the visual task's losses in Markdown: `python -m bilevel_jax.losses.tables terms|targets|adversarial`."""

import sys

from bilevel_jax.losses.adversarial import FAMILIES
from bilevel_jax.losses.fusion import TARGETS, TERMS
from bilevel_jax.markdown_table import markdown_table


def terms_table() -> str:
    """One row for each term of the visual task's loss."""
    rows = [[f"`visual.{term.name}`", term.help, f"{term.default:g}", str(term.least_side)] for term in TERMS.values()]
    return markdown_table(["key", "what", "default", "least side in pixels"], rows)


def targets_table() -> str:
    """One row for each target of the visual task."""
    return markdown_table(
        ["`visual.target`", "what"], [[f"`{target.name}`", target.help] for target in TARGETS.values()]
    )


def adversarial_table() -> str:
    """One row for each adversarial loss."""
    rows = [[f"`{family.name}`", family.help, f"{family.gradient_penalty:g}"] for family in FAMILIES.values()]
    return markdown_table(["`visual.loss`", "what", "gradient penalty"], rows)


if __name__ == "__main__":
    tables = {"terms": terms_table, "targets": targets_table, "adversarial": adversarial_table}
    print(tables[sys.argv[1] if len(sys.argv) > 1 else "terms"](), end="")
