"""The tables of networks: one row a network, and of ONNX operators: one row a subject."""

from bilevel_jax.models.discriminators import DISCRIMINATORS
from bilevel_jax.models.fusion import VARIANTS
from bilevel_jax.models.imported.onnx_operators import OPERATORS, SUBJECTS
from bilevel_jax.models.semantic import SEMANTIC_NETWORKS
from bilevel_jax.models.tables import discriminator_table, fusion_table, operator_table, semantic_table


def test_fusion_networks():
    _, _, *rows = fusion_table().splitlines()
    assert len(rows) == len(VARIANTS)
    assert rows[0] == f"| `paper` | {VARIANTS['paper'].help} | 417,730 | 23 |"
    assert rows[2].endswith("| 37,193 | the whole image |")


def test_semantic_networks():
    _, _, *rows = semantic_table().splitlines()
    assert len(rows) == sum(map(len, SEMANTIC_NETWORKS.values()))
    assert rows[0] == '| detection | `""` | FCOS | channels, depth, head_convs, norm, stem_stride, width |'
    assert "| segmentation | `segformer_b1` | SegFormer with a MiT-B1 | channels |" in rows


def test_discriminators():
    _, _, *rows = discriminator_table().splitlines()
    assert len(rows) == len(DISCRIMINATORS)
    assert rows[0] == f"| `pixel` | {DISCRIMINATORS['pixel'].help} | 8,577 | 1 | 1 |"
    assert rows[1].endswith("| 25,201 | 38 | 8 |")


def test_onnx_operators():
    text = operator_table()
    _, _, *rows = text.splitlines()
    assert [row.split("|")[1].strip() for row in rows] == list(SUBJECTS)
    assert "MaxPool (without its indices), AveragePool, " in text
    assert text.count(", ") >= len(OPERATORS) - len(SUBJECTS)
