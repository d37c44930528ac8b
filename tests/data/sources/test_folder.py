import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bilevel_jax.data.name_lists import read_list
from bilevel_jax.data.sources.folder import FolderSource
from bilevel_jax.errors import InputError
from bilevel_jax.images.color import luma
from bilevel_jax.images.files import scale_visible, write_image
from bilevel_jax.images.saliency import infrared_saliency

HEIGHT, WIDTH = 24, 32
NAMES = ("0001D", "0002D", "0003N")


def noise(shape, dtype=np.uint8, seed=0):
    return np.random.default_rng(seed).integers(0, np.iinfo(dtype).max + 1, shape, dtype=dtype)


@pytest.fixture
def root(tmp_path):
    """A folder with all there may be: three pairs, two box files (one empty), one label map."""
    for seed, name in enumerate(NAMES):
        write_image(tmp_path / "ir" / f"{name}.png", noise((HEIGHT, WIDTH), seed=seed))
        write_image(tmp_path / "vi" / f"{name}.png", noise((HEIGHT, WIDTH, 3), seed=seed + 10))
    (tmp_path / "boxes").mkdir()
    (tmp_path / "boxes" / "0001D.txt").write_text("1 0.5 0.5 0.25 0.5\n\n0 0.25 0.25 0.125 0.25\n")
    (tmp_path / "boxes" / "0002D.txt").write_text("")
    (tmp_path / "classes.txt").write_text("person\nbicycle\n")
    write_image(tmp_path / "labels" / "0001D.png", noise((HEIGHT, WIDTH)) % 3)
    (tmp_path / "label_names.txt").write_text("unlabeled\ncar\nperson\n")
    return tmp_path


def test_a_record_holds_what_the_files_hold(root):
    source = FolderSource(root)
    assert (source.names, source.groups) == (list(NAMES), ["day", "day", "night"])
    assert source.class_names == ("person", "bicycle")
    assert source.label_names == ("unlabeled", "car", "person")
    record = source[0]
    np.testing.assert_array_equal(record["ir"], noise((HEIGHT, WIDTH, 1), seed=0))
    np.testing.assert_array_equal(record["vis"], noise((HEIGHT, WIDTH, 3), seed=10))
    np.testing.assert_array_equal(record["labels"], noise((HEIGHT, WIDTH)) % 3)
    # class cx cy w h of an image of 32 x 24, by hand.
    assert record["boxes"].tolist() == [[6.0, 12.0, 18.0, 20.0], [3.0, 6.0, 9.0, 10.0]]
    assert record["classes"].tolist() == [1, 0]
    expected = infrared_saliency(record["ir"][..., 0], luma(record["vis"] / np.float32(255))[..., 0])
    assert np.abs(record["saliency"][..., 0] / 255.0 - expected).max() <= 0.5 / 255 + 1e-6
    dtypes = {key: np.asarray(value).dtype.name for key, value in record.items()}
    assert dtypes == {
        "ir": "uint8", "vis": "uint8", "saliency": "uint8", "labels": "int32", "boxes": "float32", "classes": "int32",
        "has_labels": "bool", "has_boxes": "bool", "index": "int64",
    }  # fmt: skip


def test_visible_images_of_12_bits_fill_their_range_as_they_do_for_fuse(root):
    levels = np.arange(HEIGHT * WIDTH * 3, dtype=np.uint16).reshape(HEIGHT, WIDTH, 3) + 1000
    write_image(root / "vi" / "0001D.png", levels)
    np.testing.assert_array_equal(FolderSource(root)[0]["vis"], scale_visible(levels).levels)
    assert FolderSource(root)[0]["vis"].max() > 40_000


def test_several_pictures_in_one_file_are_noted(root):
    frames = [Image.fromarray(noise((HEIGHT, WIDTH), seed=seed)) for seed in (1, 2)]
    frames[0].save(root / "ir" / "0002D.tif", save_all=True, append_images=frames[1:])
    (root / "ir" / "0002D.png").unlink()
    (note,) = FolderSource(root).check()
    assert note.sentence() == f"{root / 'ir' / '0002D.tif'} holds several pictures, of which the first is used"


def test_no_annotation_is_not_the_same_as_no_object(root):
    records = list(FolderSource(root))
    assert [bool(record["has_boxes"]) for record in records] == [True, True, False]
    assert [bool(record["has_labels"]) for record in records] == [True, False, False]
    assert [len(record["boxes"]) for record in records] == [2, 0, 0]
    assert (records[1]["labels"] == 255).all() and records[1]["labels"].shape == (HEIGHT, WIDTH)
    assert [int(record["index"]) for record in records] == [0, 1, 2]


def test_a_record_is_read_anew_and_cannot_be_written_to(root):
    source = FolderSource(root)
    first, again = source[0], source[0]
    assert first["ir"] is not again["ir"]
    for key in first:
        np.testing.assert_array_equal(first[key], again[key])
    with pytest.raises(ValueError, match="read-only"):
        first["ir"][0, 0] = 0


def test_the_fullest_item_is_found_without_its_pixels(root):
    assert FolderSource(root).most_boxes() == 2
    assert FolderSource(root, ["0002D"]).most_boxes() == 0
    (root / "ir" / "0001D.png").write_bytes((root / "ir" / "0001D.png").read_bytes()[:60])
    assert FolderSource(root).most_boxes() == 2


@pytest.mark.parametrize(
    ("infrared", "visible"), [("IR", "VIS"), ("Infrared", "visible"), ("THE", "RGB"), ("thermal", "Vi"), ("lwir", "vi")]
)
def test_folder_names_suffixes_and_strays(root, infrared, visible):
    (root / "ir").rename(root / infrared)
    (root / "vi").rename(root / visible)
    path = root / visible / "0001D.png"
    path.rename(path.with_suffix(".PNG"))
    Image.open(root / visible / "0002D.png").save(root / visible / "0002D.bmp")
    (root / visible / "0002D.png").unlink()
    for stray in ("Thumbs.db", ".DS_Store", "._0001D.png", "notes.txt"):
        (root / infrared / stray).write_text("no image")
    source = FolderSource(root)
    np.testing.assert_array_equal(source[1]["vis"], noise((HEIGHT, WIDTH, 3), seed=11))
    assert len(source) == 3


def test_channels_depths_and_palettes(root):
    grey = noise((HEIGHT, WIDTH), seed=3)
    write_image(root / "vi" / "0001D.png", grey)
    Image.fromarray(grey).convert("RGBA").save(root / "ir" / "0001D.png")
    Image.fromarray(grey).quantize(256).save(root / "ir" / "0002D.png")
    write_image(root / "vi" / "0003N.png", noise((HEIGHT, WIDTH, 3), np.uint16, seed=4))
    records = list(FolderSource(root))
    np.testing.assert_array_equal(records[0]["vis"], np.stack([grey] * 3, axis=-1))
    np.testing.assert_array_equal(records[0]["ir"][..., 0], grey)
    assert np.abs(records[1]["ir"][..., 0].astype(int) - grey).max() <= 1
    np.testing.assert_array_equal(records[2]["vis"], noise((HEIGHT, WIDTH, 3), np.uint16, seed=4))


def test_raw_counts_are_scaled_by_percentiles_or_by_the_given_range(root):
    counts = (noise((HEIGHT, WIDTH), np.uint16) % 1000 + 7000).astype(np.uint16)
    write_image(root / "ir" / "0001D.png", counts)
    auto = FolderSource(root)[0]["ir"]
    assert auto.dtype == np.uint16 and 0.4 < auto.mean() / 65535 < 0.6 and auto.max() == 65535
    given = FolderSource(root, infrared_range=(6000, 9000))[0]["ir"][..., 0]
    np.testing.assert_allclose(given / 65535, (counts - 6000.0) / 3000.0, atol=1e-5)
    assert FolderSource(root, infrared_range=(6000, 9000))[1]["ir"].dtype == np.uint8


def test_own_saliency_wins(root):
    own = noise((HEIGHT, WIDTH), seed=9)
    write_image(root / "Saliency" / "0002D.png", own)
    np.testing.assert_array_equal(FolderSource(root)[1]["saliency"][..., 0], own)
    assert FolderSource(root)[0]["saliency"].std() > 0


def test_a_box_that_leaves_its_image_by_a_rounding_is_clipped(root):
    (root / "boxes" / "0001D.txt").write_text("0 0.49 0.5 1.0 1.0\r\n0 0.99 0.5 0.05 1.0\r\n")
    boxes = FolderSource(root)[0]["boxes"]
    np.testing.assert_allclose(boxes, [[0, 0, 24, 31.68], [0, 30.88, 24, 32]], atol=1e-5)


def test_a_list_file_chooses_pairs(root):
    (root / "train.txt").write_text("0003N\n\n0001D.png\n")
    source = FolderSource(root, "train.txt")
    assert source.names == ["0003N", "0001D"] and source.groups == ["night", "day"]
    np.testing.assert_array_equal(source[1]["ir"], noise((HEIGHT, WIDTH, 1), seed=0))
    # A pair that the list does not name may lack an image.
    (root / "vi" / "0002D.png").unlink()
    assert len(FolderSource(root, read_list(root, "train.txt"))) == 2


def test_groups_only_where_all_names_say_so(root):
    write_image(root / "ir" / "scene.png", noise((HEIGHT, WIDTH)))
    write_image(root / "vi" / "scene.png", noise((HEIGHT, WIDTH, 3)))
    assert FolderSource(root).groups is None


def test_check_looks_at_every_item_and_reports(root):
    seen = []
    FolderSource(root).check(lambda done, total: seen.append((done, total)))
    assert seen == [(1, 3), (2, 3), (3, 3)]


def edit(path, content):
    def apply(root):
        if content is None:
            (root / path).unlink()
        elif isinstance(content, str):
            (root / path).write_text(content)
        else:
            write_image(root / path, content)

    return apply


def empty_folder(root):
    for path in (root / "vi").iterdir():
        path.unlink()


def truncate(root):
    path = root / "vi" / "0001D.png"
    path.write_bytes(path.read_bytes()[:900])


BOXES = "boxes/0001D.txt"
SMALL = noise((HEIGHT, WIDTH - 1))
FAULTS = {
    "no root": (lambda root: root.rename(root.with_name("x")), "new", r"does not exist, expected a folder with ir/"),
    "no ir": (lambda root: (root / "ir").rename(root / "x"), "new", r"has no folder of infrared images, expected"),
    "two ir": (lambda root: (root / "Thermal").mkdir(), "new", r"holds Thermal and ir, expected one folder"),
    "empty vi": (empty_folder, "new", r"vi holds no image, expected files with one of \.png"),
    "ir alone": (edit("vi/0002D.png", None), "new", r"ir holds 1 image\(s\) without the visible one .* \(0002D\.png\)"),
    "vi alone": (edit("ir/0002D.png", None), "new", r"vi holds 1 image\(s\) without the infrared .* \(0002D\.png\)"),
    "stem twice": (edit("ir/0001D.bmp", SMALL), "new", r"ir holds 0001D\.bmp and 0001D\.png, expected one file"),
    "no classes": (edit("classes.txt", None), "new", r"classes\.txt is missing, expected the names"),
    "empty classes": (edit("classes.txt", ""), "new", r"classes\.txt is empty, expected one class name a line"),
    "class twice": (edit("classes.txt", "a\na\n"), "new", r"classes\.txt, line 2 repeats the class name 'a'"),
    "sizes differ": (edit("vi/0001D.png", SMALL), "check", r"vi/0001D\.png is 31 x 24 pixels, expected 32 x 24 as"),
    "truncated": (truncate, "read", r"vi/0001D\.png cannot be read as an image, it may be damaged or truncated"),
    "no image": (edit("ir/0001D.png", "text"), "check", r"ir/0001D\.png cannot be read as an image"),
    "4 numbers": (edit(BOXES, "0 .5 .5 .1 .1\n0 .5 .5 .1"), "check", r"0001D\.txt, line 2 is '0 \.5 \.5 \.1'"),
    "a word": (edit(BOXES, "car .5 .5 .1 .1"), "check", r"0001D\.txt, line 1 is 'car .*', expected five numbers"),
    "not finite": (edit(BOXES, "0 nan .5 .1 .1"), "check", r"0001D\.txt, line 1 is '0 nan .*', expected five numbers"),
    "binary boxes": (lambda root: (root / BOXES).write_bytes(b"\xff\xfe0"), "check",
                     r"0001D\.txt is not UTF-8 text"),
    "class 2 of 2": (edit(BOXES, "2 .5 .5 .1 .1"), "check", r"0001D\.txt, line 1 has class 2, expected 0 to 1"),
    "no area": (edit(BOXES, "0 .5 .5 0 .1"), "check", r"0001D\.txt, line 1 is a box of 0\.0 x 2\.4 pixels, expected"),
    "outside": (edit(BOXES, "0 1.2 .5 .2 .1"), "check", r"0001D\.txt, line 1 has a box from \(35\.2, .* to \(41\.6"),
    "label 3 of 3": (edit("labels/0001D.png", noise((HEIGHT, WIDTH)) % 4), "read",
                     r"labels/0001D\.png holds the value 3 \(\d+ pixels\), expected 0 to 2 .* or 255"),
    "label size": (edit("labels/0001D.png", SMALL), "check", r"labels/0001D\.png is 31 x 24 pixels, expected 32 x 24"),
    "colour label": (edit("labels/0001D.png", noise((HEIGHT, WIDTH, 3))), "read", r"0001D\.png is .* of mode RGB"),
    "saliency size": (edit("saliency/0001D.png", SMALL), "check", r"saliency/0001D\.png is 31 x 24 pixels, expected"),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_bad_input_is_one_sentence(root, fault):
    spoil, when, sentence = FAULTS[fault]
    spoil(root)

    def read():
        source = FolderSource(root)
        assert when != "new", "the fault should show before any image is read"
        if when == "check":
            # Either way must find it: the look at all items beforehand, and the reading itself.
            with pytest.raises(InputError, match=sentence):
                source.check()
        else:
            source.check()
        source[0]

    with pytest.raises(InputError, match=sentence) as raised:
        read()
    message = str(raised.value)
    assert message.endswith((".", ").")) and "\n" not in message


def test_three_of_many_unmatched_are_named_and_all_are_counted(root):
    for number in range(5):
        write_image(root / "ir" / f"x{number}.png", noise((HEIGHT, WIDTH)))
    with pytest.raises(InputError, match=r"holds 5 image\(s\) .* \(x0\.png, x1\.png, x2\.png, \.\.\.\)"):
        FolderSource(root)


@pytest.mark.skipif("BILEVEL_JAX_TEST_DATA" not in os.environ, reason="BILEVEL_JAX_TEST_DATA (real pairs) is not set")
@pytest.mark.parametrize(
    ("name", "names", "num", "classes"),
    [
        ("msrs", "train.txt", 240, ("person", "bicycle", "car")),
        ("msrs", "val.txt", 58, ("person", "bicycle", "car")),
        ("llvip", None, 366, ("person",)),
        ("roadscene", None, 104, ()),
        ("vifb", None, 11, ()),
    ],
)
def test_real_folders(name, names, num, classes):
    source = FolderSource(Path(os.environ["BILEVEL_JAX_TEST_DATA"]) / name, names)
    source.check()
    assert len(source) == num and source.class_names == classes
    assert (source.groups is not None) == (name == "msrs")
    record = source[num // 2]
    assert record["ir"].shape[:2] == record["vis"].shape[:2] == record["labels"].shape
    assert bool(record["has_boxes"]) == bool(classes)
