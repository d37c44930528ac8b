"""The detectors, one kind a file: an image in, boxes with classes and scores out."""

from bilevel_jax.models.detectors.registry import DETECTORS as DETECTORS
