"""One thing wrong with one file: the ways in which a download can be damaged, each a function (path, rng)."""

import os
import shutil

import numpy as np
from PIL import Image

IMAGES = (".png", ".jpg", ".jpeg", ".bmp")
BOMB = (
    '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a0 "ha">'
    + "".join(f'<!ENTITY a{i} "{f"&a{i - 1};" * 10}">' for i in range(1, 12))
    + "]><annotation><object><name>&a11;</name></object></annotation>"
)
TEXTS = {
    "nan": "0 nan 0.5 0.1 0.1\n",
    "inf": "0 0.5 inf 0.1 0.1\n",
    "absurd": "0 1e300 -1e300 1e308 1e308\n",
    "a class too many": "999999999999999999999999 0.5 0.5 0.1 0.1\n",
    "windows line ends": "0 0.5 0.5 0.25 0.25\r\n\r\n0 0.25 0.25 0.125 0.125\r\n",
    "old mac line ends": "0 0.5 0.5 0.25 0.25\r0 0.25 0.25 0.125 0.125\r",
    "nul bytes": "0 0.5\x000.5 0.1 0.1\n",
    "one long line": "0 " * 200_000,
    "byte order mark": "\ufeff0 0.5 0.5 0.25 0.25\n",
    "other digits": "\u0660 0.5 0.5 0.25 0.25\n",
    "a poem": "So much depends\nupon\n",
    "empty": "",
}
XMLS = {
    "bomb": BOMB,
    "external entity": '<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/passwd">]><annotation>&e;</annotation>',
    "deep": "<a>" * 100_000 + "</a>" * 100_000,
    "cut": "<annotation><object><name>person</name><bndbox><xmin>1</xm",
    "no box": "<annotation><object><name>person</name></object></annotation>",
    "nan": "<annotation><object><name>person</name><bndbox><xmin>nan</xmin><ymin>1</ymin><xmax>9</xmax>"
    "<ymax>9</ymax></bndbox></object></annotation>",
    "wild": "<annotation><object><name>person</name><bndbox><xmin>-1e30</xmin><ymin>1</ymin><xmax>9e99</xmax>"
    "<ymax>9</ymax></bndbox></object></annotation>",
    "unknown class": "<annotation><object><name>" + "x" * 5000 + "</name><bndbox><xmin>1</xmin><ymin>1</ymin>"
    "<xmax>9</xmax><ymax>9</ymax></bndbox></object></annotation>",
    "other encoding": '<?xml version="1.0" encoding="no-such"?><annotation/>',
    "empty": "",
    "no object": "<annotation/>",
}
JSONS = {
    "deep": "[" * 200_000,
    "a number": "7",
    "cut": '{"images": [{"id": 1, "file_na',
    "huge integer": '{"images": [{"id": ' + "9" * 10_000 + "}]}",
    "of nothing": '{"images": null, "annotations": 3, "categories": {}}',
    "no boxes": '{"images": [], "annotations": [], "categories": [{"id": 1, "name": "person"}]}',
    "unknown image": '{"images": [], "annotations": [{"image_id": 5, "category_id": 1, "bbox": [1, 2, 3, 4]}],'
    ' "categories": [{"id": 1, "name": "person"}]}',
    "nan": '{"images": [{"id": 1, "file_name": "00000D.png"}], "annotations": [{"image_id": 1, "category_id": 1,'
    ' "bbox": [NaN, 2, 1e999, 4]}], "categories": [{"id": 1, "name": "person"}]}',
    "words": '{"images": [{"id": 1, "file_name": "00000D.png"}], "annotations": [{"image_id": 1, "category_id": 1,'
    ' "bbox": ["a", [], {}, null]}], "categories": [{"id": 1, "name": "person"}]}',
}


def truncate(path, rng):
    data = path.read_bytes()
    path.write_bytes(data[: int(rng.integers(0, len(data)))])


def flip_bytes(path, rng):
    data = bytearray(path.read_bytes())
    for place in rng.integers(0, len(data), 1 + len(data) // 50):
        data[place] = int(rng.integers(256))
    path.write_bytes(bytes(data))


def as_mode(mode):
    def change(path, rng):
        with Image.open(path) as image:
            array = np.asarray(image.convert("L"))
        if mode == "I;16":
            image = Image.fromarray(array.astype(np.uint16) * 200)
        elif mode in ("F", "I"):
            image = Image.fromarray(array.astype(np.float32 if mode == "F" else np.int32))
        else:
            image = Image.fromarray(array).convert(mode)
        kind = {"CMYK": "JPEG", "F": "TIFF", "I": "TIFF"}.get(mode, "PNG")
        image.save(path, kind)  # under its old name: readers go by the content

    return change


def of_size(width, height, mode="L"):
    def change(path, rng):
        Image.new(mode, (width, height), 7).save(path, "PNG", compress_level=1)

    return change


def other_format(path, rng):
    with Image.open(path) as image:
        image.convert("RGB").save(path, ("GIF", "WEBP", "TIFF", "BMP", "PPM")[int(rng.integers(5))])


def loop(path, rng):
    path.unlink()
    path.symlink_to(path)


def to_nowhere(path, rng):
    path.unlink()
    path.symlink_to(path.with_name("no such file"))


def never_ending(path, rng):
    path.unlink()
    if rng.integers(2):
        os.mkfifo(path)
    else:
        path.symlink_to("/dev/zero")


def folder_instead(path, rng):
    path.unlink()
    path.mkdir()


def folder_loop(path, rng):
    (path.parent / "again").symlink_to(path.parent, target_is_directory=True)


def renamed(make):
    def change(path, rng):
        path.rename(path.with_name(make(path)))

    return change


def twice(path, rng):
    shutil.copy(path, path.with_suffix(".bmp" if path.suffix != ".bmp" else ".png"))


def vanish(path, rng):
    return path.unlink  # called when the files have been listed, and none has been opened


def vanish_in_reading(path, rng):
    return lambda: (path.unlink(), path.mkdir())


def no_permission(path, rng):
    path.chmod(0)


def text_of(choices):
    def change(path, rng):
        path.write_text(list(choices.values())[int(rng.integers(len(choices)))], encoding="utf-8")

    return change


def binary(path, rng):
    path.write_bytes(rng.integers(0, 256, int(rng.integers(1, 5000)), dtype=np.uint8).tobytes())


def list_lines(path, rng):
    lines = path.read_text().splitlines()
    extra = ("", "../../etc/passwd", "x" * 100_000, "no_such_pair", lines[0], "\x00", "名前")
    lines.insert(int(rng.integers(len(lines))), extra[int(rng.integers(len(extra)))])
    path.write_text(("\r\n", "\n", "\r")[int(rng.integers(3))].join(lines) + "\n", encoding="utf-8")


ANY = (truncate, flip_bytes, loop, to_nowhere, never_ending, folder_instead, vanish, vanish_in_reading, no_permission,
       binary, lambda path, rng: path.write_bytes(b""), lambda path, rng: path.unlink())  # fmt: skip
OF_IMAGES = (
    *ANY, truncate, flip_bytes, *map(as_mode, ("CMYK", "I;16", "F", "I", "P", "1", "LA", "RGBA")), other_format,
    of_size(1, 1), of_size(12000, 12000), of_size(12000, 40), of_size(63, 48), of_size(64, 48, "RGBA"), folder_loop,
    renamed(lambda path: "画像 é\u202e" + path.suffix), renamed(lambda path: "n" * 240 + path.suffix), twice,
    renamed(lambda path: path.name.upper()), renamed(lambda path: path.stem),
)  # fmt: skip


def choices_for(path, root):
    """The kinds of damage for a file of a download, the likelier ones several times."""
    if path.suffix in IMAGES:
        return OF_IMAGES
    if path.suffix == ".xml":
        return (*ANY, *[text_of(XMLS)] * 8)
    if path.suffix == ".json":
        return (*ANY, *[text_of(JSONS)] * 8)
    if path.parent == root or path.parent.name in ("meta", "imageSets"):
        return (*ANY, *[list_lines] * 10)
    return (*ANY, *[text_of(TEXTS)] * 8)
