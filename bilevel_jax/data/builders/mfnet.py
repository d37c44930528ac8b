"""MFNet (Ha et al., IROS 2017): urban pairs with label maps, the infrared image in the alpha channel."""

from pathlib import Path

import numpy as np
from PIL import Image

from bilevel_jax.data.builders.find_folders import LABELS, subfolder
from bilevel_jax.data.builders.make_example import check_encoded, encode_image
from bilevel_jax.data.builders.miniature import Miniature, unchanged, write_labels, write_names
from bilevel_jax.data.builders.msrs import NAMES, PALETTE
from bilevel_jax.data.builders.pair_builder import PairBuilder
from bilevel_jax.data.builders.scan import LISTS, Pair, Scan
from bilevel_jax.data.day_or_night import by_day_and_night
from bilevel_jax.data.sources.source import Source
from bilevel_jax.errors import InputError
from bilevel_jax.images.files import decode_image, read_file


class Mfnet(PairBuilder):
    """MFNet: `images/*.png` RGBA, `labels/*.png`, and lists of names `train.txt val.txt test.txt`.

    `test_day.txt` and `test_night.txt` say which pair was taken by day and which by night. Without them, a name's last
    letter says it, D or N.
    """

    name = "mfnet"
    title = "MFNet"
    help = "urban pairs of 640 x 480 by day and night, with label maps of nine classes"
    citation = "Ha et al., MFNet: Towards real-time semantic segmentation for autonomous vehicles, IROS 2017"
    layout = "images/*.png labels/*.png train.txt val.txt test.txt"
    split_names = ("train", "val", "test")
    label_names = NAMES
    palette = PALETTE

    @classmethod
    def is_root(cls, folder: Path) -> bool:
        return subfolder(folder, "images") is not None and subfolder(folder, *LABELS) is not None

    def list_pairs(self, scan: Scan) -> None:
        images = scan.files(subfolder(self.root, "images"))
        labels = scan.files(subfolder(self.root, *LABELS))
        groups = by_day_and_night(images)
        for time in ("day", "night"):
            for path in scan.lists(self.root, {part: f"{part}_{time}.txt" for part in LISTS}).values():
                groups |= dict.fromkeys(scan.read_list(path), time)
        lists = scan.lists(self.root)
        for part, path in lists.items():
            names = scan.read_list(path)
            scan.match(part, images, images, names, labels=labels, groups=groups, where=str(path))
        if not lists:
            scan.match("train", images, images, labels=labels, groups=groups)
            scan.hold_out("train", "test", self.options.seed)
        scan.note_unlisted(images)
        for name in sorted(set(labels) - set(images)):
            scan.reject("", name, f"{labels[name]} has no image of its name in images, expected one.")

    def read_images(self, pair: Pair) -> tuple[bytes, bytes]:
        data = read_file(pair.visible)
        check_encoded(pair.visible, data)
        image = decode_image(data, pair.visible, alpha=True)
        if image.shape[-1] != 4:
            raise InputError(
                f"{pair.visible} has {image.shape[-1]} channel(s), expected 4: red, green, blue, and infrared as alpha."
            )
        if image.dtype != "uint8":
            raise InputError(f"{pair.visible} has 16 bit samples, expected 8 bit.")
        return encode_image(image[..., 3:]), encode_image(image[..., :3])

    @classmethod
    def write_miniature(cls, root: Path, scenes: Source) -> Miniature:
        (root / "images").mkdir(parents=True)
        splits: dict[str, list[tuple[str, int]]] = {"train": [], "val": [], "test": []}
        for i in range(10):
            name, sample = f"{i:05d}{'DN'[i % 2]}", scenes[i]
            rgba = np.concatenate([sample["vis"], sample["ir"]], axis=-1)
            Image.fromarray(rgba).save(root / "images" / f"{name}.png")
            write_labels(root / "labels" / f"{name}.png", sample["labels"])
            splits["train" if i < 6 else "val" if i < 8 else "test"].append((name, i))
        for split, pairs in splits.items():
            write_names(root / f"{split}.txt", [name for name, _ in pairs])
        for time, letter in (("day", "D"), ("night", "N")):
            names = [name for name, _ in splits["test"] if name.endswith(letter)]
            write_names(root / f"test_{time}.txt", names)
        return Miniature(splits, label_map=unchanged)
