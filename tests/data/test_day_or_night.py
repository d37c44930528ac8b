"""Day or night by names, or by the light of the visible image."""

import numpy as np
import pytest

from bilevel_jax.data.day_or_night import light_of


class Source:
    groups = None

    def __init__(self, names, levels, dtype=np.uint8):
        self.names, self._levels, self._dtype = names, levels, dtype

    def __len__(self):
        return len(self.names)

    def __getitem__(self, index):
        return {"vis": np.full((4, 4, 3), self._levels[index], self._dtype)}


def test_names_say_it_where_they_can():
    light = light_of(Source(["01D", "02N"], [0, 255]))
    assert light.groups == ["day", "night"] and light.said_by == "names"


@pytest.mark.parametrize(("dtype", "factor"), [(np.uint8, 1), (np.uint16, 257)])
def test_else_the_visible_mean_says_it(dtype, factor):
    light = light_of(Source(["a", "b", "c"], [89 * factor, 91 * factor, 200 * factor], dtype))
    assert light.groups == ["night", "day", "day"] and light.said_by == "visible mean"
