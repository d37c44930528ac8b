"""KAIST Multispectral Pedestrian (Hwang et al., CVPR 2015): 95,328 frames of 640 x 512 from a car, with boxes."""

import re
from collections.abc import Iterator
from pathlib import Path

from bilevel_jax.data.annotations.check_boxes import Boxes, clip_to_image
from bilevel_jax.data.annotations.text_files import read_lines
from bilevel_jax.data.annotations.voc import read_voc
from bilevel_jax.data.builders.disk import folders_in, subfolder
from bilevel_jax.data.builders.pair_builder import PairBuilder
from bilevel_jax.data.builders.pairs import Files, Pair, Scan
from bilevel_jax.errors import InputError

# The benchmark's own protocol for tests, and the common one to train: every 20th frame.
STRIDE = 20
TEST_SETS = range(6, 12)
NIGHT_SETS = (3, 4, 5, 9, 10, 11)
# Improved annotations win over the original ones.
ANNOTATIONS = (
    "annotations-xml-new-sanitized",
    "annotations-xml-new",
    "annotations-xml",
    "annotations-txt",
    "annotations",
)
AMBIGUOUS = ("person?", "person?a")


class Kaist(PairBuilder):
    """KAIST: `images/setSS/VVVV/{visible,lwir}/IFFFFF.jpg`, `annotations*/setSS/VVVV/IFFFFF.{txt,xml}`.

    Frames are those of `imageSets/train-all-20.txt` and `test-all-20.txt`, else every 20th; sets 00-05 are for
    training, 06-11 for testing. A flat `visible/ lwir/` with one annotation folder is taken as well. Boxes that the
    annotators doubted (`person?`) are left out, with a note.
    """

    name = "kaist"
    title = "KAIST"
    layout = "images/set00/V000/visible and lwir, annotations/set00/V000/*.txt or *.xml"
    class_names = ("person", "people", "cyclist")

    @classmethod
    def is_root(cls, folder: Path) -> bool:
        return next(_sequences(subfolder(folder, "images") or folder), None) is not None or _is_flat(folder)

    def list_pairs(self, scan: Scan) -> None:
        annotations = subfolder(self.root, *ANNOTATIONS)
        if _is_flat(self.root):
            infrared, visible = (_plain(scan.files(subfolder(self.root, name))) for name in ("lwir", "visible"))
            boxes = _plain(scan.files(annotations, (".txt", ".xml")))
            groups = {name: _group(name) for name in {*infrared, *visible}}
            scan.match("train", infrared, visible, boxes=boxes, groups=groups)
            scan.hold_out("train", "test", self.options.seed)
            return
        images = subfolder(self.root, "images") or self.root
        frames = {split: self._listed(split, scan) for split in ("train", "test")}
        for place, sequence in _sequences(images):
            split = "test" if int(place[3:5]) in TEST_SETS else "train"
            infrared, visible = (
                _prefixed(place, scan.files(subfolder(sequence, name), split=split)) for name in ("lwir", "visible")
            )
            folder = subfolder(annotations, place) if annotations else None
            boxes = _prefixed(place, scan.files(folder, (".txt", ".xml"), split))
            names = sorted({*infrared, *visible})
            listed = frames[split]
            names = names[STRIDE - 1 :: STRIDE] if listed is None else [name for name in names if name in listed]
            scan.match(split, infrared, visible, names, boxes=boxes, groups=dict.fromkeys(names, _group(place)))
            if listed is not None:
                listed -= set(names)
        for split, listed in frames.items():
            for name in sorted(listed or ()):
                scan.reject(split, name, f"the list of {split} names it and there is no such frame, expected a pair.")

    def read_boxes(self, pair: Pair, height: int, width: int) -> Boxes:
        found = (
            read_voc(pair.boxes, height, width, one_based=False, check_size=False)
            if pair.boxes.suffix.lower() == ".xml"
            else _read_text(pair.boxes, height, width)
        )
        sure = [number for number, name in enumerate(found.names) if name not in AMBIGUOUS]
        notes = [f"{pair.boxes}: a {name} was left out" for name in found.names if name in AMBIGUOUS]
        return Boxes(found.boxes[sure], [found.names[number] for number in sure], [*found.notes, *notes])

    def _listed(self, split: str, scan: Scan) -> set[str] | None:
        folder = subfolder(self.root, "imageSets")
        path = scan.lists(folder, {split: f"{split}-all-20.txt"}).get(split) if folder else None
        if path is None:
            scan.notes.append(f"{split}: no list of frames, every {STRIDE}th frame of a sequence is taken")
            return None
        return {name.replace("/", "_") for name in scan.read_list(path)}


def _read_text(path: Path, height: int, width: int) -> Boxes:
    """Piotr Dollar's bbGt text, version 3: a line an object, `name x y w h ...`, after a line that starts with %."""
    boxes, names = [], []
    for number, line in enumerate(read_lines(path), 1):
        if not line or line.startswith("%"):
            continue
        fields = line.split()
        try:
            x, y, w, h = (float(field) for field in fields[1:5])
        except ValueError as error:
            raise InputError(
                f"{path}, line {number} is {line[:60]!r}, expected a name and x y width height."
            ) from error
        boxes.append((y, x, y + h, x + w))
        names.append(fields[0])
    return clip_to_image(boxes, names, height, width, str(path))


def _sequences(images: Path) -> Iterator[tuple[str, Path]]:
    """("set00/V000", folder) of every sequence with both cameras."""
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
    """Without the camera's name at the end of a stem."""
    return {re.sub(r"_(lwir|visible)$", "", stem): path for stem, path in files.items()}


def _group(name: str) -> str:
    found = re.match(r"set(\d\d)", name.lower())
    return "" if found is None else "night" if int(found[1]) in NIGHT_SETS else "day"
