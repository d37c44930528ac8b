"""Boxes from COCO json files, the alternative to one YOLO text file an image."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bilevel_jax.data.annotations.check_boxes import Boxes, clip_to_image
from bilevel_jax.data.annotations.text_files import is_there
from bilevel_jax.errors import InputError
from bilevel_jax.images.files import read_file

# Where a folder may hold them: one file, or several in one folder (train.json, val.json).
FILES = ("boxes.json", "annotations.json", "coco.json")
FOLDER = "annotations"


def find_coco(root: Path) -> list[Path]:
    """The COCO files of a folder, [] where it has none."""
    for name in FILES:
        if is_there(root / name):
            return [root / name]
    return sorted((root / FOLDER).glob("*.json")) if (root / FOLDER).is_dir() else []


class CocoBoxes:
    """The boxes of COCO files by the stem of an image's file name.

    Attributes:
        class_names: the categories in the order of their ids.
        files: image stem -> the file that lists it; an image that is listed without boxes has no object.
    """

    def __init__(self, paths: Sequence[Path]):
        """Reads the files whole.

        Raises:
            InputError: a file is damaged, or is not what COCO's format says; two files differ in their categories.
        """
        self.class_names: tuple[str, ...] = ()
        self.files: dict[str, Path] = {}
        self._images: dict[str, dict[str, Any]] = {}
        self._boxes: dict[str, list[tuple[Any, str, bool]]] = {}
        for path in paths:
            content = _load(path)
            categories = _by_id(path, content, "categories", "name", str)
            names = tuple(categories[number]["name"] for number in sorted(categories))
            if len(set(names)) < len(names):
                raise InputError(f"{path} has two categories of one name, expected every name once.")
            if self.class_names and names != self.class_names:
                raise InputError(f"{path} has other categories than {paths[0]}, expected the same.")
            self.class_names = names
            images = _by_id(path, content, "images", "file_name", str)
            stems = {number: Path(image["file_name"]).stem for number, image in images.items()}
            for number, stem in stems.items():
                if stem in self.files:
                    raise InputError(f"{path} lists an image {stem[:60]!r} twice, expected every image once.")
                self.files[stem], self._images[stem], self._boxes[stem] = path, images[number], []
            for place, entry in enumerate(_entries(path, content, "annotations")):
                image, category = entry.get("image_id"), entry.get("category_id")
                for key, known in (("image_id", stems), ("category_id", categories)):
                    if not isinstance(entry.get(key), int) or entry[key] not in known:
                        raise InputError(
                            f"{path}, annotation {place} has the {key} {str(entry.get(key))[:20]!r}, "
                            "expected one that the file defines."
                        )
                crowd = bool(entry.get("iscrowd"))
                self._boxes[stems[image]].append((entry.get("bbox"), categories[category]["name"], crowd))

    def read(self, stem: str, height: int, width: int) -> Boxes:
        """The boxes of an image of this size; crowds are left out, with a note.

        Raises:
            InputError: a box is not four numbers or lies far outside, or the file says another size.
        """
        where = f"{self.files[stem]}, image {stem}"
        said = self._images[stem].get("width"), self._images[stem].get("height")
        if None not in said and said != (width, height):
            raise InputError(f"{where} is {said[0]!s:.12} x {said[1]!s:.12} pixels there, expected {width} x {height}.")
        boxes, names, notes = [], [], []
        for box, name, crowd in self._boxes[stem]:
            try:
                x, y, w, h = (float(value) for value in box)
            except (TypeError, ValueError, OverflowError) as error:
                raise InputError(f"{where} has a bbox that is not four numbers, expected x y width height.") from error
            if crowd:
                notes.append(f"{where}: a crowd of {name} was left out")
                continue
            boxes.append((y, x, y + h, x + w))
            names.append(name)
        found = clip_to_image(boxes, names, height, width, where)
        return found._replace(notes=[*notes, *found.notes])


def _load(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(read_file(path))
    except (ValueError, RecursionError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{path} is not JSON ({str(error)[:80]}), expected COCO's format.") from error
    if not isinstance(content, dict):
        raise InputError(
            f"{path} is a {type(content).__name__}, expected an object with images, annotations, categories."
        )
    return content


def _entries(path: Path, content: dict[str, Any], key: str) -> list[dict[str, Any]]:
    entries = content.get(key)
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise InputError(f"{path} has no list {key!r} of objects, expected COCO's format.")
    return entries


def _by_id(path: Path, content: dict[str, Any], key: str, field: str, kind: type) -> dict[int, dict[str, Any]]:
    found = {}
    for place, entry in enumerate(_entries(path, content, key)):
        if not isinstance(entry.get("id"), int) or not isinstance(entry.get(field), kind) or not entry[field]:
            raise InputError(f"{path}, {key} {place} has no id or no {field}, expected COCO's format.")
        if entry["id"] in found:
            raise InputError(
                f"{path}, {key} {place} has the id {entry['id']!s:.20} of another, expected every id once."
            )
        found[entry["id"]] = entry
    return found
