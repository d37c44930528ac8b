"""Part (d) on one small pair."""

import pytest

from bilevel_jax.benchmarks.accelerator import fusing


def test_images_through_the_fuser():
    [row] = fusing.rows(networks=["tiny"], sizes=[[48, 70]], repeats=1)
    assert row["what"] == "Fuser, tiny, 70x48"
    assert row["details"]["images_per_s"] == pytest.approx(1e3 / row["ms"]) and row["details"]["network_ms"] > 0
