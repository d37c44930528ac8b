"""Tables of the rules, colour methods and file formats: `python -m bilevel_jax.images.tables rules|colors|formats`."""

import sys

from bilevel_jax.images.color_methods import COLOR_METHODS
from bilevel_jax.images.files import IMAGE_FORMATS
from bilevel_jax.images.trivial_fusion import TRIVIAL_METHODS
from bilevel_jax.markdown_table import markdown_table


def rules_table() -> str:
    """Returns one row for each rule."""
    return markdown_table(["rule", "result"], [[f"`{name}`", rule.help] for name, rule in TRIVIAL_METHODS.items()])


def colors_table() -> str:
    """Returns one row for each colour method."""
    return markdown_table(["colour", "result"], [[f"`{name}`", way.help] for name, way in COLOR_METHODS.items()])


def formats_table() -> str:
    """Returns one row for each file format."""
    yes_no = {True: "yes", False: "no"}
    rows = [
        [
            name,
            " ".join(form.suffixes),
            yes_no[form.written],
            "8 and 16" if form.deep else "8" if form.written else "",
            yes_no[form.metadata],
        ]
        for name, form in IMAGE_FORMATS.items()
    ]
    return markdown_table(["format", "suffixes", "written too", "bits a sample as written", "metadata"], rows)


if __name__ == "__main__":
    tables = {"rules": rules_table, "colors": colors_table, "formats": formats_table}
    print(tables[sys.argv[1] if len(sys.argv) > 1 else "rules"](), end="")
