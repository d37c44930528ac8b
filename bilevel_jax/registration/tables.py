"""Table of the kinds of transform: `python -m bilevel_jax.registration.tables`."""

from bilevel_jax.markdown_table import markdown_table
from bilevel_jax.registration.kinds import KINDS


def kinds_table() -> str:
    """Returns one row for each kind."""
    return markdown_table(["kind", "what it corrects"], [[f"`{name}`", kind.help] for name, kind in KINDS.items()])


if __name__ == "__main__":
    print(kinds_table(), end="")
