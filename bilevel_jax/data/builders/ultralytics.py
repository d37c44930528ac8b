"""Pairs in Ultralytics' layout: folders of images and of YOLO text by split, described by a `data.yaml`."""

from collections.abc import Mapping, Sequence
from pathlib import Path, PureWindowsPath

from bilevel_jax.atomic import write_text
from bilevel_jax.data.annotations.class_names import find_class_names
from bilevel_jax.data.annotations.data_yaml import find_data_yaml, read_data_yaml
from bilevel_jax.data.annotations.text_lines import is_there, read_lines
from bilevel_jax.data.annotations.yolo_folder import CLASS_NAMES
from bilevel_jax.data.builders.camera_folders import CameraFolders, Place, find_camera_folders, spot_of
from bilevel_jax.data.builders.miniature import Miniature, write_pair, write_yolo
from bilevel_jax.data.builders.pair_builder import PairBuilder
from bilevel_jax.data.builders.scan import Files, Scan
from bilevel_jax.data.day_or_night import by_day_and_night
from bilevel_jax.data.sources.source import Source
from bilevel_jax.images.files import IMAGE_SUFFIXES

# Words of a path that name a split.
SPLIT_WORDS = {"train": "train", "val": "val", "valid": "val", "validation": "val", "test": "test"}


class Ultralytics(PairBuilder):
    """Ultralytics' layout: `data.yaml`, and images of both cameras and `labels` in one folder a split.

    The second camera may lie in `infrared/train` beside `visible/train`, in `images_ir/train` beside `images/train`, in
    `images/infrared/train` beside `images/visible/train`, or in `train/images_ir` beside `train/images`. A folder that
    `data.yaml` calls train, val or test is that split, and so is a folder of that name. List files are read as well.
    """

    name = "ultralytics"
    title = "Ultralytics' layout"
    help = "your own registered pairs with YOLO boxes, in folders by split as Ultralytics has them, with data.yaml"
    layout = "data.yaml, visible/train infrared/train labels/train (or images/train images_ir/train labels/train), val"
    split_names = ("train", "val")

    @classmethod
    def is_root(cls, folder: Path) -> bool:
        described = find_data_yaml(folder) is not None or is_there(folder / "classes.txt")
        return described and bool(find_camera_folders(folder))

    @classmethod
    def has_splits(cls, folder: Path) -> bool:
        """Returns whether a folder has this layout, with folders that are called by their splits."""
        return cls.is_root(folder) and any(not SPLIT_WORDS.keys().isdisjoint(p) for p in find_camera_folders(folder))

    def list_pairs(self, scan: Scan) -> None:
        places = find_camera_folders(self.root)
        described = find_data_yaml(self.root)
        entries = {} if described is None else read_data_yaml(described).splits
        self.class_names = self.options.classes or find_class_names(self.root)
        splits = {place: _split_of(place, entries) for place in places}
        together: dict[str, Files] = {"infrared": {}, "visible": {}, "boxes": {}}  # of the places without a split
        for place, folders in places.items():
            split = splits[place]
            # Folders of one split may hold files of one name.
            alone = list(splits.values()).count(split) == 1
            prefix = "" if alone else "".join(f"{word}_" for word in place if word not in SPLIT_WORDS)
            files = self._files(folders, split, prefix, scan)
            if split:
                self._match(scan, split, files)
            else:
                for role, found in files.items():
                    together[role] |= found
        images = {**together["infrared"], **together["visible"]}
        lists = self._read_lists(entries, scan) if images else {}
        for split, names in lists.items():
            self._match(scan, split, together, names)
        if images and not lists:
            self._match(scan, "train", together)
        elif images:
            scan.note_unlisted(images)
        if set(scan.splits) == {"train"} and len(scan.splits["train"]) > 1:
            scan.hold_out("train", "val", self.options.seed)

    @classmethod
    def write_miniature(cls, root: Path, scenes: Source) -> Miniature:
        splits: dict[str, list[tuple[str, int]]] = {"train": [], "val": []}
        for i in range(10):
            split, name = ("train" if i < 7 else "val"), f"{i:05d}{'DN'[i % 2]}"
            write_pair(scenes[i], root / f"infrared/{split}/{name}.png", root / f"visible/{split}/{name}.png")
            write_yolo(root / f"labels/{split}/{name}.txt", scenes[i])
            splits[split].append((name, i))
        names = "".join(f"  {number}: {name}\n" for number, name in enumerate(scenes.class_names))
        write_text(root / "data.yaml", f"path: .\ntrain: visible/train\nval: visible/val\nnames:\n{names}")
        return Miniature(splits, scenes.class_names)

    def _files(self, folders: CameraFolders, split: str, prefix: str, scan: Scan) -> dict[str, Files]:
        labels = folders.labels
        beside = (".txt",) if labels in (folders.infrared, folders.visible) else ()
        boxes = scan.files(labels, (".txt",), split, beside=IMAGE_SUFFIXES)
        boxes.pop(CLASS_NAMES, None)
        if folders.other_labels is not None:
            scan.notes.append(f"{folders.other_labels}: boxes are not read from here, but from {labels}")
        images = {
            camera: scan.files(folder, split=split, beside=beside)
            for camera, folder in (("infrared", folders.infrared), ("visible", folders.visible))
        }
        for name in sorted(set(boxes) - {*images["infrared"], *images["visible"]}):
            scan.reject(split, name, f"{boxes[name]} has no pair of images of its name, expected one.")
        found = {**images, "boxes": boxes}
        return {role: {f"{prefix}{stem}": path for stem, path in files.items()} for role, files in found.items()}

    def _match(self, scan: Scan, split: str, files: Mapping[str, Files], names: Sequence[str] | None = None) -> None:
        groups = by_day_and_night({**files["infrared"], **files["visible"]})
        scan.match(split, files["infrared"], files["visible"], names, boxes=files["boxes"], groups=groups)

    def _read_lists(self, entries: Mapping[str, Sequence[str]], scan: Scan) -> dict[str, list[str]]:
        """Reads the list files of `data.yaml` or else `train.txt val.txt test.txt`; a line is the path of an image."""
        paths = {
            split: [self.root / entry for entry in found if entry.endswith(".txt")] for split, found in entries.items()
        }
        for split, path in scan.lists(self.root).items():
            paths[split] = paths.get(split) or [path]
        return {
            split: list(dict.fromkeys(_stem(line) for path in found for line in read_lines(path) if line))
            for split, found in paths.items()
            if found
        }


def _split_of(place: Place, entries: Mapping[str, Sequence[str]]) -> str:
    """Returns the split of a place: as `data.yaml` says, or as a word of its path does, else ""."""
    for split, paths in entries.items():
        for entry in paths:
            words = spot_of(Path(PureWindowsPath(entry).as_posix().lstrip("./"))).place
            if place and words[-len(place) :] == place:
                return split
    return next((SPLIT_WORDS[word] for word in place if word in SPLIT_WORDS), "")


def _stem(line: str) -> str:
    name = PureWindowsPath(line).name  # it takes both kinds of slashes
    return Path(name).stem if Path(name).suffix.lower() in IMAGE_SUFFIXES else name
