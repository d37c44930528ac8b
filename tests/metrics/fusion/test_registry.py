"""What every measure says of itself, and what is made of it."""

import jax
import numpy as np
import pytest

from bilevel_jax.metrics.fusion import CHOOSABLE, FAMILIES, NINE, registry
from bilevel_jax.metrics.tables import measures_table

ALL = [(family, name) for family, table in FAMILIES.items() for name in table]


def test_each_name_is_there_once():
    named = [(m.family, m.name) for file in registry.FILES for m in registry._measures(file)]
    assert sorted(named) == sorted(ALL) and len(set(named)) == len(named)


@pytest.mark.parametrize(("family", "name"), ALL)
def test_a_measure_says_what_it_is(family, name):
    measure = FAMILIES[family][name]
    assert measure.name == name and measure.family == family and "/" not in name
    assert measure.description and not measure.description.endswith(".")
    assert not measure.in_nine or family == "paper"
    assert measure.filtering is None or (family == "vifb" and not measure.of_fused_alone)
    assert f"| {name} | {measure.description} |" in measures_table(family)


def test_the_nine_can_choose_a_checkpoint_and_a_measure_to_be_low_cannot():
    assert set(NINE) <= set(CHOOSABLE) and "Nabf" not in CHOOSABLE


@pytest.mark.parametrize(("family", "name"), [(f, n) for f, n in ALL if FAMILIES[f][n].least_side > 1])
def test_a_measure_has_a_value_from_its_least_side_on(family, name):
    measure = FAMILIES[family][name]
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (3, measure.least_side, measure.least_side)).astype(np.float32)
    function = jax.jit(measure.function)
    given = images[2:] if measure.of_fused_alone else images
    assert np.isfinite(function(*given))
    assert np.isnan(function(*(image[1:] for image in given)))
