"""The sheet of a data set: borders where regions end, counts as given, nothing fetched, names that are no markup."""

import base64
import io
import re

import numpy as np
from PIL import Image

from bilevel_jax.report.data_sheet import ShownPair, class_color, draw_contours, write_data_sheet


def test_contours_are_the_borders_of_regions():
    labels = np.zeros((20, 30), int)
    labels[5:10, 8:20] = 2
    labels[15:, 25:] = 255
    painted = draw_contours(np.full((20, 30, 3), 9, np.uint8), labels, 3)
    drawn = (painted != 9).any(-1)
    expected = np.zeros_like(drawn)
    expected[5:10, 8:20] = True
    expected[6:9, 9:19] = False
    np.testing.assert_array_equal(drawn, expected)
    assert (painted[drawn] == class_color(2, 3)).all()


def test_classes_have_colours_of_their_own():
    for num in (2, 9, 15, 20):
        colors = [class_color(i, num) for i in range(num)]
        assert len(set(colors)) == num


def record(rng, deep=False):
    return {
        "ir": rng.integers(0, 65536 if deep else 256, (40, 60, 1)).astype(np.uint16 if deep else np.uint8),
        "vis": np.full((40, 60, 3), 30, np.uint8),
        "saliency": np.full((40, 60, 1), 128, np.uint8),
        "labels": np.full((40, 60), 255, np.int32) if deep else np.tile(np.int32([0] * 30 + [1] * 30), (40, 1)),
        "boxes": np.float32([[5, 10, 30, 40]]),
        "classes": np.int32([0]),
        "has_labels": np.bool_(not deep),
        "has_boxes": np.bool_(True),
    }


def test_the_sheet_holds_everything_itself(tmp_path):
    count = {
        "pairs": 4, "with_boxes": 4, "with_labels": 3, "groups": {"day": 3, "night": 1}, "boxes": {"person": 17},
        "pixels": {"ground": 750, "tree": 250}, "box_sizes": [0, 12, 5], "image_sizes": {"60 x 40": 4},
    }  # fmt: skip
    summary = {
        "title": "A <set>", "source": "/data", "class_names": ["person"], "label_names": ["ground", "tree"],
        "size_edges": [0, 8, 64], "splits": {"train": count}, "notes": ["a note"],
        "rejected": [{"split": "train", "name": "<script>", "reason": "it is <b>bad</b>."}],
    }  # fmt: skip
    rng = np.random.default_rng(0)
    samples = [ShownPair("train: a", record(rng)), ShownPair("train: <i>", record(rng, deep=True))]
    write_data_sheet(tmp_path / "sheet.html", summary, samples)
    page = (tmp_path / "sheet.html").read_text()
    assert "http" not in page and "<script" not in page and "<b>bad" not in page and "<i>" not in page
    for text in ("75 % day, 25 % night", "<td>17</td>", ">25.00<", "&lt;script&gt;", "Rejected: 1", "8-64", "64+"):
        assert text in page, text
    pictures = [
        Image.open(io.BytesIO(base64.b64decode(data)))
        for data in re.findall(r'src="data:image/jpeg;base64,(.*?)"', page)
    ]
    assert len(pictures) == 4 + 3 == page.count("<img")  # labels are shown where there are some
    infrared, visible = np.asarray(pictures[0]).astype(int), np.asarray(pictures[1]).astype(int)
    scale = visible.shape[1] / 60
    assert scale == 8 and visible.shape[0] == 320
    # The box's left edge (column 10) is drawn, and the label border between columns 29 and 30.
    assert visible[100, round(10 * scale) - 1 : round(10 * scale) + 3].max() > 150
    assert visible[300, round(30 * scale) - 6 : round(30 * scale) + 10].max() > 150
    assert visible[300, 20:60].max() < 60 and infrared.std() > 20
