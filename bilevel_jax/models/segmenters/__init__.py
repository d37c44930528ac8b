"""The segmentation networks, one kind a file: an image in, logits of every pixel's class out."""

from bilevel_jax.models.segmenters.registry import SEGMENTERS as SEGMENTERS
