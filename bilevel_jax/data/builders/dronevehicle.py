"""DroneVehicle (Sun et al., TCSVT 2022): pairs from a drone, with rotated boxes of vehicles and a white frame."""

from pathlib import Path
from xml.etree import ElementTree

import numpy as np
from jaxtyping import UInt

from bilevel_jax.data.annotations.check_boxes import Box, Boxes, clip_to_image, four_numbers
from bilevel_jax.data.annotations.voc import parse_xml
from bilevel_jax.data.builders.find_folders import subfolder
from bilevel_jax.data.builders.make_example import MIN_SIDE, check_encoded, encode_image
from bilevel_jax.data.builders.miniature import Miniature, write_names
from bilevel_jax.data.builders.pair_builder import PairBuilder
from bilevel_jax.data.builders.scan import Pair, Scan
from bilevel_jax.data.channels import one_channel
from bilevel_jax.data.sources.source import Sample, Source
from bilevel_jax.errors import InputError, first_few
from bilevel_jax.images.files import FileNote, decode_image, read_file, write_image

# Every image has a white frame of this many pixels, and the boxes are given in pixels of the image with its frame.
FRAME = 100
# JPEG smears the picture into the frame by up to this many pixels.
SMEARED = 16
# The rest of the frame is at least this bright.
WHITE = 240
NAMES = ("car", "truck", "bus", "van", "freight car")
# The annotators' spellings.
_ALIASES = {"truvk": "truck", "feright": "freight car", "feright car": "freight car", "freight": "freight car"}
_SPLITS = ("train", "val", "test")


class DroneVehicle(PairBuilder):
    """DroneVehicle: `train/{trainimg,trainimgr,trainlabel,trainlabelr}`, and the same for val and test.

    The white frame of 100 pixels is cut off. A rotated box becomes the upright box around it. Boxes are those of the
    infrared image, which shows the vehicles of the night too; a pair without such a file takes the visible one's.
    """

    name = "dronevehicle"
    title = "DroneVehicle"
    help = "28,439 pairs of 640 x 512 from a drone by day and night, with boxes of five kinds of vehicles"
    citation = (
        "Sun et al., Drone-based RGB-infrared cross-modality vehicle detection via uncertainty-aware learning, IEEE "
        "Transactions on Circuits and Systems for Video Technology 2022"
    )
    layout = "train/ with trainimg/ trainimgr/ trainlabel/ trainlabelr/, and val/ and test/ alike"
    split_names = _SPLITS
    class_names = NAMES

    @classmethod
    def is_root(cls, folder: Path) -> bool:
        return any(None not in (_part(folder, split, "img"), _part(folder, split, "imgr")) for split in _SPLITS)

    def list_pairs(self, scan: Scan) -> None:
        self._frames: dict[Path, int] = {}  # boxes -> width of the frame that was cut off their images
        for split in _SPLITS:
            infrared, visible = (scan.files(_part(self.root, split, end), split=split) for end in ("imgr", "img"))
            own, other = (scan.files(_part(self.root, split, end), (".xml",), split) for end in ("labelr", "label"))
            images, boxes = {**infrared, **visible}, {**other, **own}
            scan.match(split, infrared, visible, boxes=boxes)
            for name in sorted(set(boxes) - set(images)):
                scan.reject(split, name, f"{boxes[name]} has no pair of images of its name, expected one.")
            if taken := sorted(set(other) & set(images) - set(own)):
                some = f"{split}: {len(taken)} pair(s) have no boxes for the infrared image ({first_few(taken)})"
                scan.notes.append(f"{some}, so those of the visible image are taken")

    def read_images(self, pair: Pair) -> tuple[bytes, bytes]:
        data = read_file(pair.infrared), read_file(pair.visible)
        images = []
        for path, encoded in zip((pair.infrared, pair.visible), data, strict=True):
            check_encoded(path, encoded)
            images.append(decode_image(encoded, path))
        framed = all(map(_has_frame, images))
        if pair.boxes is not None:
            self._frames[pair.boxes] = FRAME if framed else 0
        if not framed:
            return data
        infrared, visible = (image[FRAME:-FRAME, FRAME:-FRAME] for image in images)
        return encode_image(one_channel(infrared)), encode_image(visible)

    def read_boxes(self, path: Path, name: str, height: int, width: int) -> Boxes:
        return _read_rotated(path, height, width, self._frames[path])

    @classmethod
    def write_miniature(cls, root: Path, scenes: Source) -> Miniature:
        splits: dict[str, list[tuple[str, int]]] = {split: [] for split in _SPLITS}
        for i in range(10):
            split, name = _SPLITS[(i > 5) + (i > 7)], f"{i:05d}"
            for end, image in (("imgr", scenes[i]["ir"]), ("img", scenes[i]["vis"])):
                white = np.pad(image, ((FRAME, FRAME), (FRAME, FRAME), (0, 0)), constant_values=255)
                write_image(root / split / f"{split}{end}" / f"{name}.jpg", white)
            _write_rotated(root / split / f"{split}labelr" / f"{name}.xml", scenes[i])
            splits[split].append((name, i))
        return Miniature(splits, ("car", "freight car", "bus"), lossy=True)


def _part(root: Path, split: str, end: str) -> Path | None:
    return subfolder(root, f"{split}/{split}{end}", f"{split}{end}")


def _has_frame(image: UInt[np.ndarray, "h w c"]) -> bool:
    height, width = image.shape[:2]
    if image.dtype != np.uint8 or min(height, width) < 2 * FRAME + MIN_SIDE:
        return False
    outside = np.ones((height, width), bool)
    inner = FRAME - SMEARED
    outside[inner:-inner, inner:-inner] = False
    return bool((image[outside] >= WHITE).all())


def _read_rotated(path: Path, height: int, width: int, frame: int) -> Boxes:
    """Reads the upright boxes around the rotated ones.

    Args:
        path: the XML file.
        height: of the image without its frame, in pixels.
        width: of the image without its frame, in pixels.
        frame: width of the frame that was cut off, in pixels.

    Raises:
        InputError: the file is damaged, or the image has no frame and the boxes are those of an image with one.
    """
    root = parse_xml(read_file(path), path)
    said = root.findtext("size/width"), root.findtext("size/height")
    if not frame and said == (str(width + 2 * FRAME), str(height + 2 * FRAME)):
        raise InputError(
            f"{path} is for images with the white frame of {FRAME} pixels, and the frame has been cut off its images; "
            "expected the images as they are published."
        )
    boxes, names, places, notes = [], [], [], []
    for number, element in enumerate(root.iter("object"), 1):
        place = f"{path}, object {number}"
        name = (element.findtext("name") or "").strip().lower().replace("_", " ")
        name = _ALIASES.get(name, name)
        box = _upright(element, place)
        if name not in NAMES or box is None:
            what = "no box" if name in NAMES else f"the class {name[:20]!r}"
            notes.append(FileNote(place, f"has {what} and was left out"))
            continue
        y0, x0, y1, x1 = box
        boxes.append((y0 - frame, x0 - frame, y1 - frame, x1 - frame))
        names.append(name)
        places.append(place)
    found = clip_to_image(boxes, names, height, width, str(path), places)
    return found._replace(notes=[*notes, *found.notes])


def _upright(element: ElementTree.Element, place: str) -> Box | None:
    """Returns the box around the four corners of an object, or its upright box; None where it has neither."""
    if element.find("polygon") is not None:
        message = f"{place} has a polygon without four corners, expected x1 y1 to x4 y4."
        xs, ys = (
            four_numbers([element.findtext(f"polygon/{axis}{corner}") or "" for corner in range(1, 5)], message)
            for axis in "xy"
        )
        return min(ys), min(xs), max(ys), max(xs)
    if element.find("bndbox") is not None:
        keys = ("ymin", "xmin", "ymax", "xmax")
        message = f"{place} has no box of four numbers, expected xmin ymin xmax ymax."
        return four_numbers([element.findtext(f"bndbox/{key}") or "" for key in keys], message)
    return None


def _write_rotated(path: Path, sample: Sample) -> None:
    """Writes a miniature's boxes as squares on their corners, with a class that is misspelt and one object too many."""
    objects = "<object><name>*</name></object>\n"
    for (y0, x0, y1, x1), number in zip(sample["boxes"] + FRAME, sample["classes"], strict=True):
        cx, cy = (x0 + x1) / 2, (y0 + y1) / 2
        corners = ((cx, y0), (x1, cy), (cx, y1), (x0, cy))
        points = "".join(f"<x{i}>{x:g}</x{i}><y{i}>{y:g}</y{i}>" for i, (x, y) in enumerate(corners, 1))
        name = ("car", "feright_car", "bus")[number]
        objects += f"<object><name>{name}</name><polygon>{points}</polygon></object>\n"
    write_names(path, [f"<annotation>{objects}</annotation>"])
