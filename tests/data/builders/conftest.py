"""Small downloads in exactly each data set's layout, made of the built-in scenes."""

import json
from pathlib import Path
from types import SimpleNamespace
from xml.sax.saxutils import escape

import numpy as np
import pytest
from PIL import Image

from bilevel_jax.boxes.formats import yxyx_to_yolo
from bilevel_jax.data.scenes import SceneSource
from bilevel_jax.images.files import write_image

HEIGHT, WIDTH = 48, 64
MSRS_COLORS = ("000000", "400080", "404000", "0080C0", "0000C0", "808000", "404080", "C08080", "C04000")


@pytest.fixture(scope="session")
def scenes():
    """Ten records with boxes and labels; nothing of the data sets' own is copied."""
    return SceneSource(10, seed=5, height=HEIGHT, width=WIDTH)


def grey(labels):
    return labels.astype(np.uint8)[..., None]


def color(labels):
    table = np.array([tuple(bytes.fromhex(code)) for code in MSRS_COLORS], np.uint8)
    return table[labels]


def yolo(path: Path, record, order=(0, 1, 2)):
    """Writes YOLO text; class number order[c] for the scenes' class c."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = zip(record["classes"], yxyx_to_yolo(record["boxes"], HEIGHT, WIDTH), strict=True)
    path.write_text("".join(f"{order[c]} {' '.join(f'{v:.6f}' for v in box)}\r\n" for c, box in lines))


def voc(path: Path, record, names, size=True):
    """Writes VOC XML, 1-based, both ends inside; a class without a name is left out."""
    path.parent.mkdir(parents=True, exist_ok=True)
    objects = ""
    for (y0, x0, y1, x1), number in zip(record["boxes"].astype(int), record["classes"], strict=True):
        if names[number]:
            corners = f"<xmin>{x0 + 1}</xmin><ymin>{y0 + 1}</ymin><xmax>{x1}</xmax><ymax>{y1}</ymax>"
            objects += f"<object><name>{escape(names[number])}</name><bndbox>{corners}</bndbox></object>\n"
    sides = f"<size><width>{WIDTH}</width><height>{HEIGHT}</height><depth>3</depth></size>" if size else ""
    path.write_text(f'<?xml version="1.0"?>\n<annotation>{sides}{objects}</annotation>\n')


def write_pair(record, infrared: Path, visible: Path):
    write_image(infrared, record["ir"])
    write_image(visible, record["vis"])


def mfnet(root, scenes):
    (root / "images").mkdir(parents=True)
    names = {"train": [], "val": [], "test": []}
    for i, record in enumerate(scenes):
        name = f"{i:05d}{'DN'[i % 2]}"
        Image.fromarray(np.concatenate([record["vis"], record["ir"]], axis=-1)).save(root / "images" / f"{name}.png")
        write_image(root / "labels" / f"{name}.png", grey(record["labels"]))
        names["train" if i < 6 else "val" if i < 8 else "test"].append((name, i))
    for split, pairs in names.items():
        (root / f"{split}.txt").write_text("".join(f"{name}\n" for name, _ in pairs))
    for time, letter in (("day", "D"), ("night", "N")):
        (root / f"test_{time}.txt").write_text("".join(f"{n}\n" for n, _ in names["test"] if n.endswith(letter)))
    return names


def msrs(root, scenes, colored=False):
    names = {"train": [], "test": []}
    for i, record in enumerate(scenes):
        split, name = ("train" if i < 7 else "test"), f"{i:05d}{'DN'[i % 2]}"
        write_pair(record, root / split / "ir" / f"{name}.png", root / split / "vi" / f"{name}.png")
        labels = color(record["labels"]) if colored else grey(record["labels"])
        write_image(root / split / "Segmentation_labels" / f"{name}.png", labels)
        if i % 2 == 0:
            write_pair(record, root / "detection/ir" / f"{name}.png", root / "detection/vi" / f"{name}.png")
            yolo(root / "detection/labels" / f"{name}.txt", record)
        names[split].append((name, i))
    return names


def fmb(root, scenes, folders=("Infrared", "Visible", "Label")):
    names = {"train": [], "test": []}
    for i, record in enumerate(scenes):
        split = "train" if i < 7 else "test"
        # FMB numbers both parts from one count, and so may others from zero.
        name = f"{i if split == 'train' else i - 7:05d}"
        write_pair(record, root / split / folders[0] / f"{name}.png", root / split / folders[1] / f"{name}.png")
        write_image(root / split / folders[2] / f"{name}.png", grey(record["labels"] + 6 * (record["labels"] > 0)))
        names[split].append((name, i))
    return names


def m3fd(root, scenes):
    for i, record in enumerate(scenes):
        write_pair(record, root / "Ir" / f"{i:05d}.png", root / "Vis" / f"{i:05d}.png")
        voc(root / "Annotation" / f"{i:05d}.xml", record, ("People", "Motorcycle", "Car"))
    return {"": [(f"{i:05d}", i) for i in range(10)]}


def m3fd_yolo(root, scenes):
    names = {"train": [], "val": []}
    for i, record in enumerate(scenes):
        write_pair(record, root / "ir" / f"{i:05d}.png", root / "vi" / f"{i:05d}.png")
        # TarDAL's order: People 0, Car 1, Bus 2, Lamp 3, Motorcycle 4, Truck 5.
        yolo(root / "labels" / f"{i:05d}.txt", record, order=(0, 4, 1))
        names["train" if i < 8 else "val"].append((f"{i:05d}", i))
    (root / "meta").mkdir()
    for split, pairs in names.items():
        (root / "meta" / f"{split}.txt").write_text("".join(f"{name}.png\r\n" for name, _ in pairs))
    return names


def llvip(root, scenes):
    names = {"train": [], "test": []}
    for i, record in enumerate(scenes):
        split, name = ("train" if i < 7 else "test"), f"{10001 + i:06d}"
        write_pair(record, root / "infrared" / split / f"{name}.jpg", root / "visible" / split / f"{name}.jpg")
        voc(root / "Annotations" / f"{name}.xml", record, ("person", "", ""))
        names[split].append((name, i))
    return names


def roadscene(root, scenes):
    for i, record in enumerate(scenes):
        name = f"FLIR_{i:05d}.jpg"
        write_pair(record, root / "cropinfrared" / name, root / "crop_LR_visible" / name)
        write_image(root / "crop_HR_visible" / name, np.repeat(np.repeat(record["vis"], 2, 0), 2, 1))
    (root / "crop_LR_visible" / "Thumbs.db").write_bytes(b"\xd0\xcf\x11\xe0")
    return {"": [(f"FLIR_{i:05d}", i) for i in range(10)]}


def tno(root, scenes):
    for i, record in enumerate(scenes):
        write_image(root / "ir" / f"{i}.bmp", record["ir"])
        write_image(root / "vi" / f"{i}.bmp", record["vis"])
    return {"test": [(f"{i}", i) for i in range(10)]}


def vifb(root, scenes):
    for i, record in enumerate(scenes):
        write_pair(record, root / "input/IR" / f"car{i}.png", root / "input/VI" / f"car{i}.png")
    return {"test": [(f"car{i}", i) for i in range(10)]}


def kaist(root, scenes):
    names = {"train": [], "test": []}
    for i, record in enumerate(scenes):
        split, place = ("train", "set04/V001") if i < 6 else ("test", "set07/V000")
        frame = f"I{19 + 20 * i:05d}"
        write_pair(record, root / "images" / place / "lwir" / f"{frame}.jpg",
                   root / "images" / place / "visible" / f"{frame}.jpg")  # fmt: skip
        text = "% bbGt version=3\n"
        for (y0, x0, y1, x1), number in zip(record["boxes"].astype(int), record["classes"], strict=True):
            name = ("person", "cyclist", "people")[number]
            text += f"{name} {x0} {y0} {x1 - x0} {y1 - y0} 0 0 0 0 0 0 0\n"
        path = root / "annotations" / place / f"{frame}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "person? 1 1 4 4 0 0 0 0 0 0 0\n")
        names[split].append((f"{place}/{frame}".replace("/", "_"), i))
    (root / "imageSets").mkdir()
    for split, pairs in names.items():
        lines = "".join("/".join(name.split("_")) + "\n" for name, _ in pairs)
        (root / "imageSets" / f"{split}-all-20.txt").write_text(lines)
    return names


def flir(root, scenes):
    names = {"train": [], "test": []}
    for i, record in enumerate(scenes):
        name = f"FLIR_{i:05d}"
        write_pair(record, root / "JPEGImages" / f"{name}_PreviewData.jpeg", root / "JPEGImages" / f"{name}_RGB.jpg")
        voc(root / "Annotations" / f"{name}_PreviewData.xml", record, ("person", "bicycle", "car"), size=False)
        names["train" if i < 8 else "test"].append((name, i))
    for split, file in (("train", "align_train.txt"), ("test", "align_validation.txt")):
        (root / file).write_text("".join(f"{name}_PreviewData\n" for name, _ in names[split]))
    return names


def folder(root, scenes, coco=False):
    names = {"train": [], "val": []}
    images, annotations = [], []
    for i, record in enumerate(scenes):
        name = f"{i:05d}{'DN'[i % 2]}"
        write_pair(record, root / "ir" / f"{name}.png", root / "vi" / f"{name}.png")
        write_image(root / "labels" / f"{name}.png", grey(record["labels"]))
        if coco:
            images.append({"id": i + 1, "file_name": f"vi/{name}.png", "width": WIDTH, "height": HEIGHT})
            for (y0, x0, y1, x1), number in zip(record["boxes"].tolist(), record["classes"].tolist(), strict=True):
                box = [x0, y0, x1 - x0, y1 - y0]
                annotations.append({"id": len(annotations), "image_id": i + 1, "category_id": number + 7, "bbox": box})
        else:
            yolo(root / "boxes" / f"{name}.txt", record)
        names["train" if i < 7 else "val"].append((name, i))
    for split, pairs in names.items():
        (root / f"{split}.txt").write_text("".join(f"{name}\n" for name, _ in pairs))
    (root / "classes.txt").write_text("person\nbicycle\ncar\n")
    (root / "label_names.txt").write_text("\n".join(SceneSource.label_names) + "\n")
    if coco:
        categories = [{"id": number + 7, "name": name} for number, name in enumerate(SceneSource.class_names)]
        content = {"images": images, "annotations": annotations, "categories": categories}
        (root / "annotations").mkdir()
        (root / "annotations" / "all.json").write_text(json.dumps(content))
    return names


@pytest.fixture(scope="session")
def layouts():
    """Functions (root, scenes) that write a download and return split -> [(pair name, number of its scene)]."""
    return SimpleNamespace(
        mfnet=mfnet, msrs=msrs, fmb=fmb, m3fd=m3fd, m3fd_yolo=m3fd_yolo, llvip=llvip, roadscene=roadscene, tno=tno,
        vifb=vifb, kaist=kaist, flir=flir, folder=folder, yolo=yolo, voc=voc,
    )  # fmt: skip
