"""TNO Image Fusion Dataset (Toet, 2014): registered military pairs, grey, without labels."""

from pathlib import Path

from bilevel_jax.data.builders.miniature import Miniature, write_pair
from bilevel_jax.data.builders.roadscene import RoadScene
from bilevel_jax.data.sources.source import Source


class Tno(RoadScene):
    """TNO: `ir/ vi/`. It is a benchmark: without a list, all pairs make the split `test`."""

    name = "tno"
    title = "TNO"
    help = "a few dozen registered military pairs, grey; sizes differ, no labels"
    citation = "Toet, TNO image fusion dataset, figshare 2014"
    layout = "ir/ and vi/"
    split_names = ("test",)

    @classmethod
    def write_miniature(cls, root: Path, scenes: Source) -> Miniature:
        for i in range(10):
            write_pair(scenes[i], root / "ir" / f"{i}.bmp", root / "vi" / f"{i}.bmp")
        return Miniature({"test": [(f"{i}", i) for i in range(10)]})
