"""Day or night by names, or by the light of the visible image."""

import numpy as np
import pytest

from bilevel_jax.data.day_or_night import light_of, light_of_source
from bilevel_jax.images.daylight import DAY_MEAN, mean_level
from bilevel_jax.metrics import gray_levels


class Source:
    groups = None

    def __init__(self, names, levels, dtype=np.uint8):
        self.names, self._levels, self._dtype = names, levels, dtype

    def __len__(self):
        return len(self.names)

    def __getitem__(self, index):
        return {"vis": np.full((4, 4, 3), self._levels[index], self._dtype)}


def test_names_say_it_where_they_can():
    light = light_of_source(Source(["01D", "02N"], [0, 255]))
    assert light.groups == ["day", "night"] and light.said_by == "names"


@pytest.mark.parametrize(("dtype", "factor"), [(np.uint8, 1), (np.uint16, 257)])
def test_else_the_visible_mean_says_it(dtype, factor):
    light = light_of_source(Source(["a", "b", "c"], [89 * factor, 91 * factor, 200 * factor], dtype))
    assert light.groups == ["night", "day", "day"] and light.said_by == "visible mean"


@pytest.mark.parametrize(("dtype", "factor"), [(np.uint8, 1), (np.uint16, 257)])
def test_an_image_of_the_least_level_is_of_the_day(dtype, factor):
    """In float32 the luma of this image is 89.9999946."""
    light = light_of_source(Source(["a", "b"], [DAY_MEAN * factor, (DAY_MEAN - 1) * factor], dtype))
    assert light.groups == ["day", "night"]


@pytest.mark.parametrize("shape", [(9, 7, 1), (9, 7, 3)])
def test_the_mean_level_is_that_of_the_metrics(shape):
    image = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)
    assert mean_level(image) == gray_levels(image).mean()


def test_groups_of_another_kind_do_not_say_it_but_the_names_may():
    assert light_of(["campus"] * 2, ["01D", "02N"], ()).groups == ["day", "night"]
    assert light_of(["night"] * 2, ["01D", "02N"], ()).groups == ["night", "night"]
    assert light_of(["campus"] * 2, ["a", "b"], (200, 10)) == (["day", "night"], "visible mean")
