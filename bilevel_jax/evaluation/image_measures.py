"""Computes the nine fusion metrics of the tables for every pair of a source."""

import numpy as np

from bilevel_jax.data.sources.source import Source
from bilevel_jax.evaluation.inputs import InputSource
from bilevel_jax.metrics import fusion

MEASURES = fusion.NINE


def measure_images(source: Source, inputs: InputSource) -> dict[str, np.ndarray]:
    """The nine metrics of every pair: name -> float64 [pairs]; NaN where a metric is undefined.

    Args:
        source: the pairs.
        inputs: the fused image of each pair.
    """
    values = [
        fusion.evaluate(record["ir"], record["vis"], inputs.images[i], names=MEASURES)
        for i, record in ((i, source[i]) for i in range(len(source)))
    ]
    return {name: np.array([value[name] for value in values]) for name in MEASURES}


def mean_measures(values: dict[str, np.ndarray]) -> dict[str, float]:
    """The means of `measure_images` over all pairs; NaN if a metric is undefined for one of them."""
    return {name: float(np.mean(own)) for name, own in values.items()}
