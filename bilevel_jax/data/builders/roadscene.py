"""RoadScene (Xu et al., "U2Fusion", TPAMI 2020): 221 registered pairs of road scenes, sizes differ, no labels."""

from pathlib import Path

from bilevel_jax.data.builders.disk import INFRARED, VISIBLE, subfolder
from bilevel_jax.data.builders.pair_builder import PairBuilder
from bilevel_jax.data.builders.pairs import Scan


class RoadScene(PairBuilder):
    """RoadScene: `cropinfrared/ crop_LR_visible/`, else `crop_HR_visible`, `infrared`; or `ir/ vi/`.

    Of several folders the registered ones win. No split is published: `meta/train.txt` and so on where a repository has
    added one, else a fifth is held out in contiguous blocks.
    """

    name = "roadscene"
    title = "RoadScene"
    layout = "cropinfrared/ and crop_LR_visible/"
    infrared = ("cropinfrared", "crop_infrared", *INFRARED)
    visible = ("crop_LR_visible", "crop_HR_visible", *VISIBLE)
    has_training_part = True

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
            pairs = scan.match("train" if self.has_training_part else "test", infrared, visible)
            if self.has_training_part and len(pairs) > 1:
                scan.hold_out("train", "test", self.options.seed)
        scan.note_unlisted({**infrared, **visible})
