"""Pairs of two cameras that do not lie on each other: estimate a transform, judge it, move the infrared image.

A `Transform` says where each pixel of the visible image lies in the infrared image; the infrared image is moved.
"""

from bilevel_jax.registration.align import DEFAULT_KIND, TRUSTED, Alignment, align
from bilevel_jax.registration.kinds import KINDS, NO_ALIGNMENT
from bilevel_jax.registration.plain_shift import plain_shift
from bilevel_jax.registration.rig import RigAlignment, rig_alignment
from bilevel_jax.registration.transform import Transform, corner_distance
from bilevel_jax.registration.transform_file import read_transform, write_transform
from bilevel_jax.registration.warp import (
    InfraredMover,
    MovedInfrared,
    check_visible_size,
    infrared_share,
    move_infrared,
)

__all__ = [
    "DEFAULT_KIND", "KINDS", "NO_ALIGNMENT", "TRUSTED", "Alignment", "InfraredMover", "MovedInfrared", "RigAlignment",
    "Transform", "align", "check_visible_size", "corner_distance", "infrared_share", "move_infrared", "plain_shift",
    "read_transform", "rig_alignment", "write_transform",
]  # fmt: skip
