"""KAIST Multispectral Pedestrian (Hwang et al., CVPR 2015): frames from a car, with boxes of people."""

import re
from collections.abc import Iterator
from pathlib import Path

from bilevel_jax.data.annotations.check_boxes import Boxes, clip_to_image, four_numbers
from bilevel_jax.data.annotations.text_lines import read_lines
from bilevel_jax.data.annotations.voc import read_voc
from bilevel_jax.data.builders.find_folders import folders_in, subfolder
from bilevel_jax.data.builders.miniature import Miniature, write_names, write_pair
from bilevel_jax.data.builders.pair_builder import PairBuilder
from bilevel_jax.data.builders.scan import Files, Scan
from bilevel_jax.data.sources.source import Sample, Source
from bilevel_jax.images.files import FileNote

# Every 20th frame is taken: the benchmark's own protocol for tests, and the common one for training.
STRIDE = 20
TEST_SETS = range(6, 12)
NIGHT_SETS = (3, 4, 5, 9, 10, 11)
# The folders of annotations in order of preference: improved ones before the original ones.
ANNOTATIONS = (
    "annotations-xml-new-sanitized",
    "annotations-xml-new",
    "annotations-xml",
    "annotations-txt",
    "annotations",
)
AMBIGUOUS = ("person?", "person?a")
# What a miniature calls the built-in scenes' person, bicycle and car.
_SCENE_CLASSES = ("person", "cyclist", "people")


class Kaist(PairBuilder):
    """KAIST: `images/setSS/VVVV/{visible,lwir}/IFFFFF.jpg`, `annotations*/setSS/VVVV/IFFFFF.{txt,xml}`.

    Frames are those of `imageSets/train-all-20.txt` and `test-all-20.txt`, or every 20th frame where there are no such
    lists. Sets 00-05 are for training, 06-11 for testing. A flat `visible/ lwir/` with one annotation folder is taken
    as well. Boxes that the annotators doubted (`person?`) are left out, with a note.
    """

    name = "kaist"
    title = "KAIST"
    help = "95,328 frames of 640 x 512 from a car by day and night, with boxes of people; every 20th frame is taken"
    citation = "Hwang et al., Multispectral pedestrian detection: Benchmark dataset and baseline, CVPR 2015"
    layout = "images/set00/V000/visible and lwir, annotations/set00/V000/*.txt or *.xml"
    class_names = ("person", "people", "cyclist")

    @classmethod
    def is_root(cls, folder: Path) -> bool:
        return next(_sequences(subfolder(folder, "images") or folder), None) is not None or _is_flat(folder)

    def list_pairs(self, scan: Scan) -> None:
        annotations = subfolder(self.root, *ANNOTATIONS)
        if _is_flat(self.root):
            self._list_flat(annotations, scan)
            return
        images = subfolder(self.root, "images") or self.root
        frames = {split: self._listed(split, scan) for split in ("train", "test")}
        for place, sequence in _sequences(images):
            split = "test" if int(place[3:5]) in TEST_SETS else "train"
            infrared, visible = (
                _prefixed(place, scan.files(subfolder(sequence, name), split=split)) for name in ("lwir", "visible")
            )
            boxes = _prefixed(place, scan.files(subfolder(annotations, place), (".txt", ".xml"), split))
            names = sorted({*infrared, *visible})
            listed = frames[split]
            names = names[STRIDE - 1 :: STRIDE] if listed is None else [name for name in names if name in listed]
            scan.match(split, infrared, visible, names, boxes=boxes, groups=dict.fromkeys(names, _group(place)))
            if listed is not None:
                listed -= set(names)
        for split, listed in frames.items():
            for name in sorted(listed or ()):
                scan.reject(split, name, f"the list of {split} names it and there is no such frame, expected a pair.")

    def read_boxes(self, path: Path, name: str, height: int, width: int) -> Boxes:
        if path.suffix.lower() == ".xml":
            found = read_voc(path, height, width, one_based=False, check_size=False)
        else:
            found = _read_text(path, height, width)
        sure = [number for number, label in enumerate(found.names) if label not in AMBIGUOUS]
        notes = [FileNote(path, f"has a {label}, which was left out") for label in found.names if label in AMBIGUOUS]
        return Boxes(found.boxes[sure], [found.names[number] for number in sure], [*found.notes, *notes])

    @classmethod
    def write_miniature(cls, root: Path, scenes: Source) -> Miniature:
        splits: dict[str, list[tuple[str, int]]] = {"train": [], "test": []}
        for i in range(10):
            split, place = ("train", "set04/V001") if i < 6 else ("test", "set07/V000")
            frame, folder = f"I{19 + 20 * i:05d}", root / "images" / place
            write_pair(scenes[i], folder / "lwir" / f"{frame}.jpg", folder / "visible" / f"{frame}.jpg")
            _write_text(root / "annotations" / place / f"{frame}.txt", scenes[i])
            splits[split].append((f"{place}/{frame}".replace("/", "_"), i))
        for split, pairs in splits.items():
            names = [name.replace("_", "/") for name, _ in pairs]
            write_names(root / "imageSets" / f"{split}-all-20.txt", names)
        return Miniature(splits, _SCENE_CLASSES, lossy=True)

    def _list_flat(self, annotations: Path | None, scan: Scan) -> None:
        infrared, visible = (_plain(scan.files(subfolder(self.root, name))) for name in ("lwir", "visible"))
        boxes = _plain(scan.files(annotations, (".txt", ".xml")))
        groups = {name: _group(name) for name in {*infrared, *visible}}
        scan.match("train", infrared, visible, boxes=boxes, groups=groups)
        scan.hold_out("train", "test", self.options.seed)

    def _listed(self, split: str, scan: Scan) -> set[str] | None:
        """Returns the frames in the list of a split, None where there is no list."""
        folder = subfolder(self.root, "imageSets")
        path = scan.lists(folder, {split: f"{split}-all-20.txt"}).get(split) if folder else None
        if path is None:
            scan.notes.append(f"{split}: no list of frames, every {STRIDE}th frame of a sequence is taken")
            return None
        return {name.replace("/", "_") for name in scan.read_list(path)}


def _read_text(path: Path, height: int, width: int) -> Boxes:
    """Reads Piotr Dollar's bbGt text, version 3: a line with %, then one line an object, `name x y w h ...`."""
    boxes, names = [], []
    for number, line in enumerate(read_lines(path), 1):
        if not line or line.startswith("%"):
            continue
        fields = line.split()
        message = f"{path}, line {number} is {line[:60]!r}, expected a name and x y width height."
        x, y, w, h = four_numbers(fields[1:5], message)
        boxes.append((y, x, y + h, x + w))
        names.append(fields[0])
    return clip_to_image(boxes, names, height, width, str(path))


def _write_text(path: Path, sample: Sample) -> None:
    """Writes a miniature's boxes as bbGt text, with one that its annotator doubted."""
    lines = ["% bbGt version=3"]
    for (y0, x0, y1, x1), number in zip(sample["boxes"].astype(int), sample["classes"], strict=True):
        lines.append(f"{_SCENE_CLASSES[number]} {x0} {y0} {x1 - x0} {y1 - y0} 0 0 0 0 0 0 0")
    write_names(path, [*lines, "person? 1 1 4 4 0 0 0 0 0 0 0"])


def _sequences(images: Path) -> Iterator[tuple[str, Path]]:
    """Yields ("set00/V000", folder) for every sequence with both cameras."""
    for part in folders_in(images):
        if re.fullmatch(r"set\d\d", part.name.lower()):
            for sequence in folders_in(part):
                if None not in (subfolder(sequence, "lwir"), subfolder(sequence, "visible")):
                    yield f"{part.name.lower()}/{sequence.name}", sequence


def _is_flat(folder: Path) -> bool:
    return None not in (subfolder(folder, "lwir"), subfolder(folder, "visible"))


def _prefixed(place: str, files: Files) -> Files:
    return {f"{place}/{stem}".replace("/", "_"): path for stem, path in files.items()}


def _plain(files: Files) -> Files:
    """Drops the camera's name at the end of each stem."""
    return {re.sub(r"_(lwir|visible)$", "", stem): path for stem, path in files.items()}


def _group(name: str) -> str:
    found = re.match(r"set(\d\d)", name.lower())
    return "" if found is None else "night" if int(found[1]) in NIGHT_SETS else "day"
