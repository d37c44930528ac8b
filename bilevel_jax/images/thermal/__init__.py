"""Infrared files as cameras and their programs write them: temperatures, signed counts, colours instead of heat."""

from bilevel_jax.images.thermal.alpha_channel import infrared_in_alpha
from bilevel_jax.images.thermal.infrared_image import InfraredImage
from bilevel_jax.images.thermal.reading import INFRARED_SUFFIXES, TABLE_SUFFIXES, decode_infrared, read_infrared

__all__ = [
    "INFRARED_SUFFIXES", "TABLE_SUFFIXES", "InfraredImage", "decode_infrared", "infrared_in_alpha", "read_infrared",
]  # fmt: skip
