"""TNO Image Fusion Dataset (Toet, 2014): some dozens of registered military pairs, grey, sizes differ, no labels."""

from bilevel_jax.data.builders.roadscene import RoadScene


class Tno(RoadScene):
    """TNO: `ir/ vi/`. A benchmark: without a list all pairs make the split `test`."""

    name = "tno"
    title = "TNO"
    layout = "ir/ and vi/"
    has_training_part = False
