"""Tables of the rules and of the colour methods: `python -m bilevel_jax.images.tables rules|colors`."""

import sys

from bilevel_jax.images.color_methods import COLOR_METHODS
from bilevel_jax.images.trivial_fusion import TRIVIAL_METHODS
from bilevel_jax.markdown_table import markdown_table


def rules_table() -> str:
    """Returns one row for each rule."""
    return markdown_table(["rule", "result"], [[f"`{name}`", rule.help] for name, rule in TRIVIAL_METHODS.items()])


def colors_table() -> str:
    """Returns one row for each colour method."""
    return markdown_table(["colour", "result"], [[f"`{name}`", way.help] for name, way in COLOR_METHODS.items()])


if __name__ == "__main__":
    tables = {"rules": rules_table, "colors": colors_table}
    print(tables[sys.argv[1] if len(sys.argv) > 1 else "rules"](), end="")
