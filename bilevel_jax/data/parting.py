"""The three parts of a data set: train, val (chooses weights) and test (is reported, and trained on by nobody).

Parts that are published or listed are taken as they are. One that is missing is cut out of the training list: a fifth
(`config.data.test_share`) in contiguous blocks, of day and of night by themselves, the same for every seed of a run.
"""

import itertools
from pathlib import Path
from typing import Any, NamedTuple

from ml_collections import ConfigDict

from bilevel_jax.data.listing import list_pairs, read_list
from bilevel_jax.data.records import day_or_night
from bilevel_jax.data.scenes import SceneSource
from bilevel_jax.data.sources.folder import FolderSource
from bilevel_jax.data.sources.prepared import PreparedSource
from bilevel_jax.data.splits import hold_out_blocks
from bilevel_jax.errors import InputError, first_few

SPLITS = ("train", "val", "test")
TEST_LIST = "test.txt"
LIST_KEYS = {"train": "train_list", "val": "validation_list", "test": "test_list"}
SPLIT_KEYS = {"train": "train_split", "val": "validation_split", "test": "test_split"}


class Parts(NamedTuple):
    """The sources of a data set's parts; `val` is None where none is asked for, `test` where there is no test."""

    train: Any
    val: Any
    test: Any


def how_read(config: ConfigDict) -> dict[str, Any]:
    """The arguments of a source that say how infrared counts and saliency are read, of `config.data`."""
    return dict(infrared_range=tuple(config.infrared_range) or None, saliency=config.saliency)


def part_scenes(config: ConfigDict, seed: int) -> Parts:
    """Built-in scenes: `num_train`, then `num_validation`, then `num_test` of them, none twice."""
    size = dict(height=config.height, width=config.width, seed=seed)
    first = config.num_train + config.num_validation
    return Parts(
        SceneSource(config.num_train, **size),
        SceneSource(config.num_validation, offset=config.num_train, **size),
        SceneSource(config.num_test, offset=first, **size) if config.test_share else None,
    )


def part_folder(config: ConfigDict, chooses: bool = True) -> Parts:
    """The parts of a plain folder by its lists.

    Args:
        config: the `data` part of a configuration.
        chooses: the folder needs a list of val. Without (it is mixed in, and its val chooses nothing) it needs no
            training list either: all pairs that stand in no list are taken then.

    Raises:
        InputError: a list is missing or names no pair, a name is in two lists, or there is too little to cut.
    """
    listed = _folder_lists(config, chooses)
    if "train" not in listed:
        taken = {name for names in listed.values() for name in names} if config.test_share else set()
        listed["train"] = [name for name in FolderSource(config.root).names if name not in taken]
    if config.test_share and "test" not in listed:
        names = listed["train"]
        kept, cut = _cut(len(names), day_or_night(names), config, "test", f"{config.root} has no {config.test_list}")
        listed["train"], listed["test"] = ([names[i] for i in part] for part in (kept, cut))
    sources = {split: FolderSource(config.root, names, **how_read(config)) for split, names in listed.items()}
    return Parts(sources["train"], sources.get("val"), sources.get("test"))


def part_prepared(config: ConfigDict, root: Path, chooses: bool = True) -> Parts:
    """The parts of a prepared data set by its splits.

    Where `config.test_share` is 0 there is no test, and val is the set's held-out split.

    Args:
        config: the `data` part of a configuration.
        root: the prepared folder.
        chooses: a missing val is cut out of the training split.

    Raises:
        InputError: there is no such split, two have a pair in common, or there is too little to cut.
    """

    def whole(split: str) -> PreparedSource:
        return PreparedSource(root, split, ignore_labels=tuple(config.ignore_labels), **how_read(config))

    train = whole(config.train_split or "train")
    parts = {"train": train}
    for split in ("test", "val"):
        given = config[SPLIT_KEYS[split]]
        if not config.test_share:
            if split == "val":
                parts["val"] = whole(given)
        elif given or split in train.summary["splits"]:
            parts[split] = whole(given or split)
        elif split == "test" or chooses:
            train, why = parts["train"], f"{root} has no split {split}"
            kept, cut = _cut(len(train), train.groups, config, split, why)
            parts["train"], parts[split] = train.part(kept, "train"), train.part(cut, split)
    _check_splits_disjoint(config, parts)
    return Parts(parts["train"], parts.get("val"), parts.get("test"))


def _folder_lists(config: ConfigDict, chooses: bool) -> dict[str, list[str]]:
    """The names of each part of which there is a list."""
    root = Path(config.root)
    list_pairs(root)
    listed = {}
    for split, key in LIST_KEYS.items():
        path = root / config[key]
        if split == "test" and not config.test_share:
            continue
        if path.exists() or (split == "test" and config.test_list != TEST_LIST):
            listed[split] = read_list(root, config[key])
        elif chooses and split != "test":
            raise InputError(
                f"{path} does not exist, expected one name a line; or `python experiments/prepare.py "
                f"--dataset=folder --source={root}`, which holds out a fifth of the pairs."
            )
    for one, other in itertools.combinations(SPLITS, 2):
        both = sorted(set(listed.get(one, ())) & set(listed.get(other, ())))
        if both:
            raise InputError(
                f"{len(both)} names stand in both {config[LIST_KEYS[one]]} and {config[LIST_KEYS[other]]} of {root} "
                f"({first_few(both)}); expected lists with no name in common."
            )
    return listed


def _cut(num: int, groups: Any, config: ConfigDict, split: str, why: str) -> Any:
    if num < 3:
        raise InputError(
            f"{why}, and {num} training pair(s) are too few to cut one out: expected at least 3, or pairs listed for "
            f"{split}, or config.data.test_share=0."
        )
    return hold_out_blocks(num, share=config.test_share, groups=groups)


def _check_splits_disjoint(config: ConfigDict, parts: dict[str, PreparedSource]) -> None:
    for one, other in itertools.combinations(SPLITS, 2):
        if one not in parts or other not in parts:
            continue
        both = sorted(set(parts[one].names) & set(parts[other].names))
        if both and parts[one].whole_split == parts[other].whole_split:
            raise InputError(
                f"config.data.{SPLIT_KEYS[one]} is {parts[one].split!r} and {SPLIT_KEYS[other]} "
                f"{parts[other].split!r}, with {len(both)} pairs in both ({first_few(both)}); expected splits with no "
                "pair in common."
            )
