"""Text tables, letter by letter."""

import numpy as np

from bilevel_jax.report.text_table import format_table

ROWS = [
    {"input": "ir", "EN": 6.5, "AP50": 0.25},
    {"input": "fused", "EN": np.float32(7.25), "AP50": float("nan"), "n": 12},
]


def test_plain():
    assert format_table(ROWS).splitlines() == [
        "input     EN   AP50    n",
        "-----  -----  -----  ---",
        "ir     6.500  0.250    -",
        "fused  7.250      -   12",
    ]


def test_markdown_of_chosen_columns():
    assert format_table(ROWS, ["input", "AP50"], digits=1, markdown=True).splitlines() == [
        "| input | AP50 |",
        "| ----- | ---: |",
        "| ir    |  0.2 |",
        "| fused |    - |",
    ]


def test_no_rows_leave_the_heading():
    assert format_table([], ["input"]) == "input\n-----"
