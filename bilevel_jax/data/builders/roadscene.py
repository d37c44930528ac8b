"""RoadScene (Xu et al., "U2Fusion", TPAMI 2020): registered pairs of road scenes without labels."""

from pathlib import Path
from typing import ClassVar

import numpy as np

from bilevel_jax.data.builders.find_folders import INFRARED, VISIBLE, subfolder
from bilevel_jax.data.builders.miniature import Miniature, write_pair
from bilevel_jax.data.builders.pair_builder import PairBuilder
from bilevel_jax.data.builders.scan import Scan
from bilevel_jax.data.sources.source import Source
from bilevel_jax.images.files import write_image


class RoadScene(PairBuilder):
    """RoadScene: `cropinfrared/ crop_LR_visible/`, else `crop_HR_visible`, `infrared`; or `ir/ vi/`.

    Where there are several folders, the registered images win. No split is published. The lists `meta/train.txt` and so
    on are read where a repository has added them; otherwise a fifth is held out in contiguous blocks.
    """

    name = "roadscene"
    title = "RoadScene"
    help = "221 registered pairs of road scenes; sizes differ, no labels"
    citation = "Xu et al., U2Fusion: A unified unsupervised image fusion network, TPAMI 2020"
    layout = "cropinfrared/ and crop_LR_visible/"
    # Names of the folders, the first that is there wins.
    infrared: ClassVar[tuple[str, ...]] = ("cropinfrared", "crop_infrared", *INFRARED)
    visible: ClassVar[tuple[str, ...]] = ("crop_LR_visible", "crop_HR_visible", *VISIBLE)

    @classmethod
    def is_root(cls, folder: Path) -> bool:
        return subfolder(folder, *cls.infrared) is not None and subfolder(folder, *cls.visible) is not None

    def list_pairs(self, scan: Scan) -> None:
        infrared, visible = (scan.files(subfolder(self.root, *names)) for names in (self.infrared, self.visible))
        lists = subfolder(self.root, "meta") or self.root
        found = scan.lists(lists)
        for split, path in found.items():
            scan.match(split, infrared, visible, scan.read_list(path), where=str(path))
        if not found:
            pairs = scan.match(self.split_names[0], infrared, visible)
            if self.split_names[0] == "train" and len(pairs) > 1:
                scan.hold_out("train", "test", self.options.seed)
        scan.note_unlisted({**infrared, **visible})

    @classmethod
    def write_miniature(cls, root: Path, scenes: Source) -> Miniature:
        for i in range(10):
            name, sample = f"FLIR_{i:05d}.jpg", scenes[i]
            write_pair(sample, root / "cropinfrared" / name, root / "crop_LR_visible" / name)
            write_image(root / "crop_HR_visible" / name, np.repeat(np.repeat(sample["vis"], 2, 0), 2, 1))
        (root / "crop_LR_visible" / "Thumbs.db").write_bytes(b"\xd0\xcf\x11\xe0")
        return Miniature({"": [(f"FLIR_{i:05d}", i) for i in range(10)]}, lossy=True)
