"""VIFB (Zhang et al., CVPR workshops 2020): the 21 pairs of a fusion benchmark, no labels."""

from bilevel_jax.data.builders.disk import INFRARED, VISIBLE
from bilevel_jax.data.builders.roadscene import RoadScene


class Vifb(RoadScene):
    """VIFB: `input/{IR,VI}`, or these folders alone. A benchmark: without a list all pairs make the split `test`."""

    name = "vifb"
    title = "VIFB"
    layout = "input/IR and input/VI"
    infrared = ("input/IR", *INFRARED)
    visible = ("input/VI", *VISIBLE)
    has_training_part = False
