"""Measures the fused images of several methods on a set of pairs, day and night apart."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from tqdm import tqdm

from bilevel_jax.evaluation.appearance.distance import Distances, luma_distances, mean_distances
from bilevel_jax.evaluation.appearance.methods import Method
from bilevel_jax.evaluation.appearance.neighbours import are_neighbours, coarse
from bilevel_jax.evaluation.appearance.pair_set import PairSet
from bilevel_jax.metrics.appearance import MEASURES, Means, Observations, figure, fused_pair, observe

FUSED_AGAIN = 8  # pairs of each group that are fused in a frame and cropped: more images cost much and say no more

Figures = dict[str, float]  # measure -> figure, NaN where it is undefined


class Group(NamedTuple):
    """The pairs of a set by day or by night, and the figures of every method on them.

    Attributes:
        set_name: of the set.
        light: "day" or "night".
        pairs: how many.
        rows: method -> figures.
        distances: method -> other method -> mean |difference| of luma, in levels of 255; {} where nobody asked.
    """

    set_name: str
    light: str
    pairs: int
    rows: dict[str, Figures]
    distances: Mapping[str, Distances] = MappingProxyType({})


def measure_set(
    pairs: PairSet,
    methods: Sequence[Method],
    check_stop: Callable[[], None] = lambda: None,
    others: Sequence[Method] = (),
) -> list[Group]:
    """The figures of all methods on a set, by day and by night; a group without a pair is left out.

    Args:
        pairs: the set.
        methods: what is measured.
        check_stop: called after every pair; may raise.
        others: the methods whose pictures the distance of each method is measured to.

    Raises:
        InputError: an image cannot be read or has another size than its pair.
    """
    lights = pairs.lights()
    again = _fused_again(lights)
    seen: dict[tuple[str, str, str], list[Observations]] = {}
    apart: dict[str, list[dict[str, dict[str, float]]]] = {light: [] for light in lights}
    previous: dict[str, Means] = {}
    before = None
    for i in tqdm(range(len(pairs.names)), desc=f"{pairs.name}: appearance", unit="pair", leave=False, delay=1.0):
        pair = pairs.read(i)
        now = coarse(pair)
        if before is None or lights[i] != lights[i - 1] or not are_neighbours(before, now):
            previous = {}
        before = now
        pictures = {method.name: method.image(pairs.names[i], pair, lights[i]) for method in methods}
        for method in methods:
            shown = fused_pair(
                pair.infrared,
                pair.visible,
                pictures[method.name],
                pair.boxes,
                previous.get(method.name),
                method.at(lights[i]) if i in again else None,
                method.exposed_as if i in again else None,
            )
            previous[method.name] = shown.means
            for name, values in observe(shown).items():
                seen.setdefault((lights[i], method.name, name), []).append(values)
        # A method that is measured itself has made its picture already.
        far = {
            other.name: pictures[other.name] if other.name in pictures else other.image(pairs.names[i], pair, lights[i])
            for other in others
        }
        apart[lights[i]].append(luma_distances(pictures, far))
        check_stop()
    return [
        Group(
            pairs.name,
            light,
            lights.count(light),
            {
                method.name: {name: figure(MEASURES[name], seen[light, method.name, name]) for name in MEASURES}
                for method in methods
            },
            mean_distances(apart[light]),
        )
        for light in ("day", "night")
        if light in lights
    ]


def _fused_again(lights: Sequence[str]) -> set[int]:
    """The pairs that are fused in a frame and cropped, spread evenly over each group."""
    chosen: set[int] = set()
    for light in set(lights):
        own = [i for i, other in enumerate(lights) if other == light]
        chosen |= {own[int(place)] for place in np.linspace(0, len(own) - 1, min(FUSED_AGAIN, len(own)))}
    return chosen
