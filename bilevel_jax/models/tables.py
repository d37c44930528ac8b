"""Tables of the networks in Markdown.

Write `python -m bilevel_jax.models.tables fusion|discriminators|semantic|operators`.
"""

import sys

from bilevel_jax.markdown_table import markdown_table
from bilevel_jax.models import discriminators
from bilevel_jax.models.fusion import VARIANTS, fusion_network, parameter_count
from bilevel_jax.models.imported.onnx_operators import operators_by_subject
from bilevel_jax.models.semantic import SEMANTIC_NETWORKS, semantic_options


def fusion_table() -> str:
    """Returns one row for each fusion network."""
    rows = []
    for name, network in VARIANTS.items():
        radius = fusion_network(name).receptive_radius
        reach = "the whole image" if radius is None else str(radius)
        rows.append([f"`{name}`", network.help, f"{parameter_count(name):,}", reach])
    return markdown_table(["`fusion.name`", "what", "parameters", "receptive radius in pixels"], rows)


def discriminator_table() -> str:
    """Returns one row for each discriminator."""
    rows = []
    for name, kind in discriminators.DISCRIMINATORS.items():
        network = discriminators.discriminator_network(name)
        sizes = [f"{discriminators.parameter_count(name):,}", str(network.receptive_field), str(network.score_stride)]
        rows.append([f"`{name}`", kind.help, *sizes])
    return markdown_table(
        [
            "`visual.discriminator`",
            "what",
            "parameters",
            "side of what it sees in pixels",
            "pixels from score to score",
        ],
        rows,
    )


def semantic_table() -> str:
    """Returns one row for each semantic network."""
    rows = [
        [task, f"`{name}`" if name else '`""`', network.help, ", ".join(semantic_options(task, name))]
        for task, networks in SEMANTIC_NETWORKS.items()
        for name, network in networks.items()
    ]
    return markdown_table(["`semantic.task`", "`semantic.network`", "what", "keys of `semantic` that it reads"], rows)


def operator_table() -> str:
    """Returns one row for each subject of ONNX operators that can be imported."""
    rows = []
    for subject, operators in operators_by_subject().items():
        names = [f"{name} ({operator.note})" if operator.note else name for name, operator in operators.items()]
        rows.append([subject, ", ".join(names)])
    return markdown_table(["subject", "operators"], rows)


if __name__ == "__main__":
    tables = {
        "fusion": fusion_table,
        "discriminators": discriminator_table,
        "semantic": semantic_table,
        "operators": operator_table,
    }
    print(tables[sys.argv[1] if len(sys.argv) > 1 else "fusion"](), end="")
