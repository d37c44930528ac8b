"""Keys of the data set, its split, its augmentation and its reading."""

from ml_collections import ConfigDict

from bilevel_jax.data.builders import data_set_help, data_set_names
from bilevel_jax.data.mixed_sets import check_mix
from bilevel_jax.data.splits import TEST_LIST
from bilevel_jax.images.saliency import METHODS
from bilevel_jax.training.config.key import Key, Section, anything, at_least, between, expect, one_of, that

NAMES = data_set_names()
SHARE = between(0, 1)

SET = (
    Key(
        "data.name",
        "scenes",
        one_of(NAMES),
        lambda: f"the data set\n{data_set_help()}",
    ),
    Key(
        "data.root",
        "",
        anything(),
        "where the data lies. folder: a folder with ir/ vi/ and, where there are any, saliency/ labels/ boxes/; public "
        "data sets: the download as it was unpacked, or what prepare.py made of it",
    ),
    Key(
        "data.prepared_dir",
        "",
        anything(),
        "folder in which a download is prepared when it is used first. '' = ~/.cache/bilevel_jax",
    ),
    Key(
        "data.train_split",
        "",
        anything(),
        "prepared data: name of the training split. '' = train; SPLIT_day and SPLIT_night are parts of a split",
    ),
    Key(
        "data.validation_split",
        "",
        anything(),
        "prepared data: name of the split that chooses weights. '' = val, which is cut out of the training split where "
        "there is none",
    ),
    Key(
        "data.test_split",
        "",
        anything(),
        "prepared data: name of the split that tables are about. '' = test, which is cut out of the training split "
        "where there is none",
    ),
    Key(
        "data.classes",
        (),
        anything(),
        "prepared data: names of the classes, for YOLO files that hold only their numbers",
    ),
    Key(
        "data.ignore_labels",
        (),
        anything(),
        "prepared data: names of label classes that are neither learnt nor counted in the metrics",
    ),
    Key("data.allow_overlap", False, anything(), "prepared data: whether a pair may stand in two splits"),
    Key(
        "data.saliency",
        "histogram",
        one_of(tuple(METHODS)),
        "how the saliency map is computed where the data has none: histogram contrast or spectral residual",
    ),
    Key(
        "data.train_list",
        "train.txt",
        anything(),
        "folder: file with the names of the training pairs, one a line. Without it a fifth of all pairs is held out as "
        "val, and the run keeps the lists",
    ),
    Key("data.validation_list", "val.txt", anything(), "folder: file with the names of the pairs that choose weights"),
    Key(
        "data.test_list",
        TEST_LIST,
        anything(),
        "folder: file with the names of the pairs that tables are about. They are cut out of the training pairs where "
        "there is no such file",
    ),
    Key(
        "data.test_share",
        0.2,
        between(0, 0.5, "from 0 (no test) to 0.5"),
        "share of the training pairs that is cut out as val or test where the data has none. With 0 tables are about "
        "val",
    ),
    Key(
        "data.infrared_range",
        (),
        that(lambda value: len(value) in (0, 2), "() or (low, high)"),
        "lowest and highest count of raw thermal files, which become 0 and 1. () = robust percentiles of each image",
    ),
    Key(
        "data.mix",
        (),
        anything(),
        "further data sets to train on, each as (name, root, weight) or (name, root, weight, HOW). HOW = 'images' "
        "takes the set without its labels; HOW = 'partial' takes a set that marks some of the main set's box classes, "
        "and what it does not mark is unknown rather than background; HOW = 'labels' takes the set's label maps "
        "without its boxes, and its label classes if the main set has none. The weight says how many samples come from "
        "it for each one of the main set. Each set is divided as if it were the main set: its val and its test are not "
        "trained on",
    ),
    Key(
        "data.block",
        20,
        at_least(1),
        "number of consecutive frames that stay together when training pairs are parted into inner and outer ones",
    ),
    Key(
        "data.inner_where",
        "",
        anything(),
        "tag of the training pairs that teach the inner networks, such as day or night. A pair that only one part may "
        "take goes to it, a pair that both may take goes to one of them by data.block, and other pairs are left out. "
        "'' = any",
    ),
    Key("data.outer_where", "", anything(), "tag of the training pairs that teach the fusion network. '' = any"),
    Key(
        "data.inner_labels",
        0,
        at_least(0),
        "number of labelled pairs that teach the inner networks. They are drawn from the inner part by config.seed, "
        "with its share of day and night, and its other pairs are left out. A pair counts as labelled that has each "
        "kind of annotation of its data set. 0 = the whole part",
    ),
    Key(
        "data.validation_where",
        "",
        anything(),
        "tag of the val pairs that choose weights, such as night. '' = any",
    ),
)

SCENES = (
    Key("data.num_train", 400, anything(), "scenes: number of training pairs"),
    Key("data.num_validation", 100, anything(), "scenes: number of val pairs"),
    Key("data.num_test", 100, at_least(1), "scenes: number of test pairs"),
    Key("data.height", 96, anything(), "scenes: height in pixels"),
    Key("data.width", 128, anything(), "scenes: width in pixels"),
)

SAMPLES = (
    Key(
        "data.crop",
        (96, 96),
        that(lambda value: len(value) == 2 and min(value) >= 32, "(height, width), each at least 32 pixels"),
        "height and width in pixels of the crops that are trained on",
    ),
    Key(
        "data.balance",
        0.0,
        SHARE,
        "share of samples that are drawn class by class: first one of the box classes that occur, all alike, then one "
        "of the pairs that have a box of it. The other samples take each pair once an epoch. In a mixture each data "
        "set with boxes is balanced by itself. The networks of the table and of downstream.py follow rows.balance",
    ),
    Key(
        "data.balance_classes",
        (),
        that(lambda value: all(isinstance(name, str) for name in value), "names of classes"),
        "names of the box classes that data.balance and rows.balance draw, such as ('person', 'car'). () = all",
    ),
    Key("data.batch_size", 8, at_least(1), "number of crops in a batch, over all devices together"),
    Key("data.flip", True, anything(), "whether every other sample is mirrored"),
    Key("data.brightness", 0.1, SHARE, "each image's brightness is multiplied by a factor from 1 - this to 1 + this"),
    Key(
        "data.scale",
        (1.0, 1.0),
        that(lambda value: len(value) == 2 and 0 < value[0] <= value[1], "(lowest, highest), both above 0"),
        "lowest and highest factor by which a sample is enlarged",
    ),
    Key("data.mosaic", 0.0, SHARE, "share of samples that are put together of four pairs"),
    Key("data.misregistration", 0, at_least(0), "largest shift of the infrared image in pixels"),
    Key(
        "data.infrared_gain",
        0.0,
        SHARE,
        "the infrared image's contrast about its mean is multiplied by a factor from 1 - this to 1 + this",
    ),
    Key(
        "data.infrared_noise",
        0.0,
        at_least(0),
        "largest standard deviation of noise that is added to the infrared image, where 1 is the full range",
    ),
    Key(
        "data.visible_gamma",
        0.0,
        at_least(0),
        "the visible image is raised to a power from exp(-this) to exp(this)",
    ),
    Key(
        "data.visible_color",
        0.0,
        SHARE,
        "each colour channel of the visible image is multiplied by a factor from 1 - this to 1 + this",
    ),
    Key("data.visible_glare", 0.0, SHARE, "share of samples with a light that blinds the visible camera"),
    Key("data.tone", 0.0, SHARE, "share of images whose grey levels get another mean and another contrast"),
    Key("data.invert", 0.0, SHARE, "share of samples whose infrared image shows heat as black"),
    Key(
        "data.swap",
        0.0,
        SHARE,
        "share of samples whose infrared and visible image change places. A semantic network sees these samples too",
    ),
)

READING = (
    Key(
        "data.max_boxes",
        32,
        at_least(1),
        "the boxes of a batch are padded to the next multiple of this number. No box is dropped",
    ),
    Key(
        "data.cache_mebibytes",
        2048,
        at_least(0),
        "memory for decoded pairs in MiB, for train, val and test each",
    ),
    Key("data.threads", 1, at_least(0), "number of threads that read samples in the training process"),
    Key(
        "data.workers",
        0,
        at_least(0),
        "number of processes that read samples in place of the threads. 0 = none",
    ),
    Key("data.prefetch", 4, at_least(0), "number of batches that are made ahead of the one in use"),
)


def check(config: ConfigDict) -> None:
    """Refuses a data set without a folder, and parts of the data that contradict each other."""
    data = config.data
    if data.name != "scenes":
        held = "ir/ and vi/" if data.name == "folder" else f"{data.name} as unpacked or prepared"
        expect(config, "data.root", bool(data.root), f"the folder that holds {held} (--config.data.root=DIR)")
    if not data.test_share:
        expect(config, "data.test_split", not data.test_split, "'' where config.data.test_share is 0")
    check_mix(data.mix, NAMES)
    if len(data.mix):
        expect(config, "data.inner_labels", not data.inner_labels, "0 with config.data.mix")


SECTION = Section("Data", (*SET, *SCENES, *SAMPLES, *READING), check)
