"""Boxes of COCO json files, which describe many images in one file."""

import json
from collections.abc import Container, Sequence
from pathlib import Path
from typing import Any

from bilevel_jax.data.annotations.check_boxes import Boxes, clip_to_image, four_numbers
from bilevel_jax.data.annotations.text_lines import is_there
from bilevel_jax.errors import InputError
from bilevel_jax.images.files import FileNote, read_file

# A folder may hold one file of these names, or several files in one subfolder (train.json, val.json).
FILES = ("boxes.json", "annotations.json", "coco.json")
FOLDER = "annotations"


def find_coco(root: Path) -> list[Path]:
    """Returns the COCO files of a folder, [] where it has none."""
    for name in FILES:
        if is_there(root / name):
            return [root / name]
    return sorted((root / FOLDER).glob("*.json")) if (root / FOLDER).is_dir() else []


class CocoBoxes:
    """The boxes of COCO files, found by the stem of an image's file name.

    Attributes:
        class_names: the categories in the order of their ids.
        files: image stem -> the file that lists it. An image that is listed without boxes has no object.
    """

    def __init__(self, paths: Sequence[Path]):
        """Reads the files whole.

        Raises:
            InputError: a file is damaged or not in COCO's format, or two files have different categories.
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
                stem = stems[_known_id(path, place, entry, "image_id", stems)]
                category = categories[_known_id(path, place, entry, "category_id", categories)]["name"]
                self._boxes[stem].append((entry.get("bbox"), category, bool(entry.get("iscrowd"))))

    def read(self, stem: str, height: int, width: int) -> Boxes:
        """Returns the boxes of an image; crowds are left out, with a note.

        Args:
            stem: of the image's file name, a key of `files`.
            height: of the image in pixels.
            width: of the image in pixels.

        Raises:
            InputError: the file says that the image has another size, or a box is refused by `check_boxes`.
        """
        where = f"{self.files[stem]}, image {stem}"
        said = self._images[stem].get("width"), self._images[stem].get("height")
        if None not in said and said != (width, height):
            raise InputError(f"{where} is {said[0]!s:.12} x {said[1]!s:.12} pixels there, expected {width} x {height}.")
        boxes, names, notes = [], [], []
        for box, name, crowd in self._boxes[stem]:
            x, y, w, h = four_numbers(box, f"{where} has a bbox that is not four numbers, expected x y width height.")
            if crowd:
                notes.append(FileNote(where, f"has a crowd of {name}, which was left out"))
                continue
            boxes.append((y, x, y + h, x + w))
            names.append(name)
        found = clip_to_image(boxes, names, height, width, where)
        return found._replace(notes=[*notes, *found.notes])


def _known_id(path: Path, place: int, entry: dict[str, Any], key: str, known: Container[int]) -> int:
    number = entry.get(key)
    if not isinstance(number, int) or number not in known:
        raise InputError(
            f"{path}, annotation {place} has the {key} {str(number)[:20]!r}, expected one that the file defines."
        )
    return number


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
