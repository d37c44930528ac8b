"""Makes downloads with one thing wrong, prepares each in a process of its own, prints what came of it as JSON lines.

python tests/data/builders/mutations.py FIRST LAST STEP
"""

import json
import multiprocessing
import os
import shutil
import sys
import tempfile
import time
import warnings
from pathlib import Path

import conftest as layouts
import numpy as np
from PIL import Image

from bilevel_jax.data.builders import BUILDERS, builder_class
from bilevel_jax.data.builders.prepare import prepare
from bilevel_jax.data.scenes import SceneSource
from bilevel_jax.data.sources.folder import FolderSource
from bilevel_jax.data.sources.prepared import PreparedSource, read_summary
from bilevel_jax.errors import InputError, RunError

LAYOUTS = ("mfnet", "msrs", "fmb", "m3fd", "m3fd_yolo", "llvip", "roadscene", "tno", "vifb", "kaist", "flir", "folder")
SECONDS = 20  # one mutation takes 0.1 to 2 s, the largest images included
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


def mutate(root, layout, scenes, number):
    """Writes a download with one thing wrong; returns (what it was, what is left to do when files are listed)."""
    rng = np.random.default_rng(number)
    coco = layout == "folder" and bool(number % 2)
    getattr(layouts, layout)(root, scenes, **({"coco": True} if coco else {}))
    files = sorted(path for path in root.rglob("*") if path.is_file())
    kinds = {path.suffix.lower() for path in files}
    kind = sorted(kinds)[int(rng.integers(len(kinds)))] if number % 3 else None
    path = rng.choice([path for path in files if kind in (None, path.suffix.lower())])
    if path.suffix in IMAGES:
        choices = OF_IMAGES
    elif path.suffix == ".xml":
        choices = (*ANY, *[text_of(XMLS)] * 8)
    elif path.suffix == ".json":
        choices = (*ANY, *[text_of(JSONS)] * 8)
    elif path.parent == root or path.parent.name in ("meta", "imageSets"):
        choices = (*ANY, *[list_lines] * 10)
    else:
        choices = (*ANY, *[text_of(TEXTS)] * 8)
    change = choices[int(rng.integers(len(choices)))]
    later = change(path, rng)
    return f"{number}, {layout}: {path.relative_to(root)}, {change.__qualname__}", later if callable(later) else None


def read_directly(root):
    """A folder is trained on without preparation too: there the first bad file is an error."""
    try:
        source = FolderSource(root, "train.txt")
        source.check()
        for index in range(len(source)):
            assert source[index]["ir"].ndim == 3
    except InputError as error:
        assert str(error).endswith((".", ").")), error


def run_one(root, out, layout, later, pipe):
    """In a process of its own, so that a hang or a crash of a decoder is seen as such."""
    try:
        name = layout.split("_")[0]
        if layout == "folder" and later is None:
            read_directly(root)
        if later is not None:
            cls = builder_class(name)
            plain, done = cls.read_images, []

            def read_images(self, pair):
                if not done:
                    done.append(later())
                return plain(self, pair)

            cls.read_images = read_images
        try:
            prepare(name, root, out)
        except (InputError, RunError) as error:
            return pipe.send(("refused", str(error)))
        summary = read_summary(out)
        good = []
        for split in summary["splits"]:
            source = PreparedSource(out, split)
            for index, item in enumerate(source.names):
                record = source[index]
                height, width = record["ir"].shape[:2]
                assert record["ir"].dtype in (np.uint8, np.uint16) and record["vis"].shape == (height, width, 3)
                assert record["labels"].shape == (height, width) and record["saliency"].shape == (height, width, 1)
                boxes = record["boxes"]
                assert np.isfinite(boxes).all() and (boxes[:, :2] < boxes[:, 2:]).all()
                assert (boxes >= 0).all() and (boxes <= [height, width, height, width]).all()
                assert len(record["classes"]) == len(boxes)
                assert record["classes"].size == 0 or record["classes"].max() < len(source.class_names)
                good.append((split, item))
        pipe.send(("made", {"good": good, "rejected": summary["rejected"], "notes": summary["notes"]}))
    except BaseException as error:
        pipe.send(("crashed", f"{type(error).__name__}: {error}"))


def outcome(work, scenes, number):
    layout = LAYOUTS[number % len(LAYOUTS)]
    root = Path(work) / f"d{number}"
    what, later = mutate(root, layout, scenes, number)
    ours, theirs = multiprocessing.get_context("fork").Pipe()
    process = multiprocessing.get_context("fork").Process(
        target=run_one, args=(root, Path(work) / f"o{number}", layout, later, theirs)
    )
    process.start()
    theirs.close()
    start = time.monotonic()
    try:
        kind, found = ours.recv() if ours.poll(SECONDS) else ("hung", f"{time.monotonic() - start:.0f} s")
    except EOFError:
        kind, found = "died", f"exit code {process.exitcode}"
    process.kill()
    process.join()
    shutil.rmtree(root, ignore_errors=True)
    shutil.rmtree(Path(work) / f"o{number}", ignore_errors=True)
    return {"number": number, "what": what, "kind": kind, "found": found}


def main(first, last, step):
    warnings.simplefilter("ignore")
    for name in BUILDERS:
        builder_class(name)  # imported once, not in every process
    scenes = SceneSource(10, seed=5, height=layouts.HEIGHT, width=layouts.WIDTH)
    with tempfile.TemporaryDirectory() as work:
        for number in range(first, last, step):
            print(json.dumps(outcome(work, scenes, number)), flush=True)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
