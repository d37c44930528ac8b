"""FLIR ADAS, the aligned part (Zhang et al., ICIP 2020): registered pairs with boxes."""

from pathlib import Path

from bilevel_jax.data.annotations.check_boxes import Boxes
from bilevel_jax.data.annotations.voc import read_voc
from bilevel_jax.data.builders.find_folders import subfolder
from bilevel_jax.data.builders.miniature import Miniature, write_names, write_pair, write_voc
from bilevel_jax.data.builders.pair_builder import PairBuilder
from bilevel_jax.data.builders.scan import Files, Scan
from bilevel_jax.data.sources.source import Source
from bilevel_jax.images.files import FileNote

INFRARED_END = "_PreviewData"
VISIBLE_END = "_RGB"
LISTS = {"train": "align_train.txt", "test": "align_validation.txt"}
# Dogs are annotated, but too rare for the benchmark, which has three classes.
LEFT_OUT = ("dog",)


class Flir(PairBuilder):
    """FLIR-aligned: `JPEGImages/NAME_PreviewData.jpeg` and `NAME_RGB.jpg`, `Annotations/NAME_PreviewData.xml`.

    The lists `align_train.txt` and `align_validation.txt` (the split `test`) lie beside them or in `ImageSets/`.
    """

    name = "flir"
    title = "FLIR-aligned"
    help = "5,142 registered pairs of 640 x 512 with boxes of three classes"
    citation = "Zhang et al., Multispectral fusion for object detection with cyclic fuse-and-refine blocks, ICIP 2020"
    layout = "JPEGImages/*_PreviewData.jpeg and *_RGB.jpg, Annotations/*.xml, align_train.txt align_validation.txt"
    class_names = ("person", "bicycle", "car")

    @classmethod
    def is_root(cls, folder: Path) -> bool:
        return subfolder(folder, "JPEGImages") is not None

    def list_pairs(self, scan: Scan) -> None:
        files = scan.files(subfolder(self.root, "JPEGImages"))
        infrared, visible = _ending(files, INFRARED_END), _ending(files, VISIBLE_END)
        boxes = scan.files(subfolder(self.root, "Annotations"), (".xml",))
        boxes = {**boxes, **_ending(boxes, INFRARED_END), **_ending(boxes, VISIBLE_END)}
        folder = subfolder(self.root, "ImageSets/Main", "ImageSets")
        lists = scan.lists(self.root, LISTS) or (scan.lists(folder, LISTS) if folder else {})
        for split, path in lists.items():
            names = [name.removesuffix(INFRARED_END).removesuffix(VISIBLE_END) for name in scan.read_list(path)]
            scan.match(split, infrared, visible, names, boxes=boxes, where=str(path))
        if not lists:
            scan.match("train", infrared, visible, boxes=boxes)
            scan.hold_out("train", "test", self.options.seed)
        scan.note_unlisted({**infrared, **visible})
        for name in sorted(set(files) - {path.stem for path in (*infrared.values(), *visible.values())}):
            scan.reject("", name, f"{files[name]} ends neither in {INFRARED_END} nor in {VISIBLE_END}, expected one.")

    def read_boxes(self, path: Path, name: str, height: int, width: int) -> Boxes:
        found = read_voc(path, height, width, check_size=False)
        kept = [number for number, label in enumerate(found.names) if label.lower() not in LEFT_OUT]
        notes = [
            FileNote(path, f"has a {label}, which was left out") for label in found.names if label.lower() in LEFT_OUT
        ]
        return Boxes(found.boxes[kept], [found.names[number].lower() for number in kept], [*found.notes, *notes])

    @classmethod
    def write_miniature(cls, root: Path, scenes: Source) -> Miniature:
        splits: dict[str, list[tuple[str, int]]] = {"train": [], "test": []}
        for i in range(10):
            name, images = f"FLIR_{i:05d}", root / "JPEGImages"
            write_pair(scenes[i], images / f"{name}{INFRARED_END}.jpeg", images / f"{name}{VISIBLE_END}.jpg")
            write_voc(root / "Annotations" / f"{name}{INFRARED_END}.xml", scenes[i], cls.class_names, size=False)
            splits["train" if i < 8 else "test"].append((name, i))
        for split, pairs in splits.items():
            write_names(root / LISTS[split], [f"{name}{INFRARED_END}" for name, _ in pairs])
        return Miniature(splits, cls.class_names, lossy=True)


def _ending(files: Files, end: str) -> Files:
    return {stem.removesuffix(end): path for stem, path in files.items() if stem.endswith(end)}
