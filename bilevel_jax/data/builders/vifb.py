"""VIFB (Zhang et al., CVPR workshops 2020): the pairs of a fusion benchmark, without labels."""

from pathlib import Path

from bilevel_jax.data.builders.find_folders import INFRARED, VISIBLE
from bilevel_jax.data.builders.miniature import Miniature, write_pair
from bilevel_jax.data.builders.roadscene import RoadScene
from bilevel_jax.data.sources.source import Source


class Vifb(RoadScene):
    """VIFB: `input/{IR,VI}`, or `{IR,VI}`. It is a benchmark: without a list, all pairs make the split `test`."""

    name = "vifb"
    title = "VIFB"
    help = "the 21 pairs of a fusion benchmark; sizes differ, no labels"
    citation = "Zhang et al., VIFB: A visible and infrared image fusion benchmark, CVPR workshops 2020"
    layout = "input/IR and input/VI"
    split_names = ("test",)
    infrared = ("input/IR", *INFRARED)
    visible = ("input/VI", *VISIBLE)

    @classmethod
    def write_miniature(cls, root: Path, scenes: Source) -> Miniature:
        for i in range(10):
            write_pair(scenes[i], root / "input/IR" / f"car{i}.png", root / "input/VI" / f"car{i}.png")
        return Miniature({"test": [(f"car{i}", i) for i in range(10)]})
