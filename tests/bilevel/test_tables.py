"""The documents' tables of methods."""

import re

import pytest

from bilevel_jax.bilevel import ESTIMATORS, WEIGHTINGS
from bilevel_jax.bilevel.tables import estimator_table, weighting_table


@pytest.mark.parametrize(("table", "registry"), [(weighting_table, WEIGHTINGS), (estimator_table, ESTIMATORS)])
def test_a_row_for_each_method(table, registry):
    # A bar inside a cell is written with a backslash before it.
    cells = [re.split(r"(?<!\\)\|", line)[1:-1] for line in table().splitlines()]
    assert len({len(row) for row in cells}) == 1
    assert [row[0].strip() for row in cells[2:]] == [f"`{name}`" for name in registry]
    assert all(row[1].strip() for row in cells)


def test_a_row_says_what_the_files_say():
    rows = {line.split("`")[1]: line for line in weighting_table().splitlines()[2:]}
    assert "| gradients, 3 tasks |" in rows["trimmed_mean"] and "| losses |" in rows["dwa"]
    assert "[Liu et al. 2021, eq. 3-4](https://arxiv.org/abs/2110.14048)" in rows["cagrad"]
    assert r"within c \|g_0\| of the mean" in rows["cagrad"] and "no conflict; symmetric" in rows["dualproj"]
    rows = {line.split("`")[1]: line for line in estimator_table().splitlines()[2:]}
    assert "| 2 B |" in rows["one_step"] and r"\<F_v, f_v\>" in rows["one_step"]
    assert "`inner_params`" in rows["unrolled"]
