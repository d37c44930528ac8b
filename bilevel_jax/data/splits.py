"""The splits of a data set: train, val (chooses weights) and test (is reported, and nobody trains on it).

Splits that are published or listed are taken as they are. A missing one is cut out of the training pairs: a fifth
(`config.data.test_share`) in contiguous blocks, of day and of night by themselves, the same for every seed of a run.
"""

import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, TypedDict

from ml_collections import ConfigDict

from bilevel_jax.data.hold_out import Indices, hold_out_blocks
from bilevel_jax.data.scenes import SceneSource
from bilevel_jax.data.sources.prepared import PreparedSource
from bilevel_jax.data.sources.source import Source
from bilevel_jax.errors import InputError, first_few

SPLITS = ("train", "val", "test")
LIST_FILES = {"train": "train.txt", "val": "val.txt", "test": "test.txt"}
TEST_LIST = LIST_FILES["test"]
SPLIT_KEYS = {"train": "train_split", "val": "validation_split", "test": "test_split"}


class HeldOut(NamedTuple):
    """What was held out of a folder that has no training list.

    Fields:
        names: the names of every split, the training pairs too.
        sentence: says it to the user, without its full stop; "" where an earlier start has said it.
    """

    names: Mapping[str, Sequence[str]]
    sentence: str = ""


class Splits(NamedTuple):
    """The sources of a data set's splits.

    Fields:
        train: what is trained on.
        val: chooses weights; None where a plain folder that is mixed in has a training list and no list of val.
        test: is reported; None where `config.data.test_share` is 0.
        held_out: what was held out of a folder that has no training list; None for all other data.
    """

    train: Source
    val: Source | None
    test: Source | None
    held_out: HeldOut | None = None


class Reading(TypedDict):
    """How a source reads infrared counts and saliency, as its keyword arguments."""

    infrared_range: tuple[float, float] | None
    saliency: str


def how_read(config: ConfigDict) -> Reading:
    """Returns the keys of `config.data` that say how infrared counts and saliency are read."""
    return {"infrared_range": tuple(config.infrared_range) or None, "saliency": config.saliency}


def split_scenes(config: ConfigDict, seed: int) -> Splits:
    """Makes the splits of the built-in scenes: `num_train`, then `num_validation`, then `num_test` different scenes."""
    height, width, train, val = config.height, config.width, config.num_train, config.num_validation
    return Splits(
        SceneSource(train, seed, height, width),
        SceneSource(val, seed, height, width, offset=train),
        SceneSource(config.num_test, seed, height, width, offset=train + val) if config.test_share else None,
    )


def split_prepared(config: ConfigDict, root: Path) -> Splits:
    """Makes the splits of a prepared data set, the same ones where it is mixed in beside a run's own data.

    Where `config.test_share` is 0 there is no test, and val is the set's held-out split.

    Args:
        config: the `data` part of a configuration.
        root: the prepared folder.

    Raises:
        InputError: there is no such split, two splits have a pair in common, or there are too few pairs.
    """

    def whole(split: str) -> PreparedSource:
        return PreparedSource(root, split, ignore_labels=tuple(config.ignore_labels), **how_read(config))

    train = whole(config.train_split or "train")
    found = {"train": train}
    for split in ("test", "val"):
        given = config[SPLIT_KEYS[split]]
        if not config.test_share:
            if split == "val":
                found["val"] = whole(given)
        elif given or split in train.summary["splits"]:
            found[split] = whole(given or split)
        else:
            train, why = found["train"], f"{root} has no split {split}"
            kept, cut = cut_out(len(train), train.groups, config.test_share, split, why)
            found["train"], found[split] = train.part(kept, "train"), train.part(cut, split)
    _check_disjoint(config, found)
    return Splits(found["train"], found.get("val"), found.get("test"))


def cut_out(num: int, groups: Sequence[str] | None, share: float, split: str, why: str) -> tuple[Indices, Indices]:
    """Cuts a missing split out of the training pairs.

    Args:
        num: number of training pairs.
        groups: "day" or "night" of each, None where the data does not say.
        share: how much is cut out, in (0, 1).
        split: what is missing, for the message.
        why: opens the message.

    Returns:
        The indices that are kept and those that are cut out.

    Raises:
        InputError: there are fewer than 3 training pairs.
    """
    if num < 3:
        raise InputError(
            f"{why}, and {num} training pair(s) are too few to cut one out: expected at least 3, or pairs listed for "
            f"{split}, or config.data.test_share=0."
        )
    return hold_out_blocks(num, share=share, groups=groups)


def _check_disjoint(config: ConfigDict, found: Mapping[str, PreparedSource]) -> None:
    for one, other in itertools.combinations(SPLITS, 2):
        if one not in found or other not in found:
            continue
        both = sorted(set(found[one].names) & set(found[other].names))
        if both and found[one].whole_split == found[other].whole_split:
            raise InputError(
                f"config.data.{SPLIT_KEYS[one]} is {found[one].split!r} and {SPLIT_KEYS[other]} "
                f"{found[other].split!r}, with {len(both)} pairs in both ({first_few(both)}); expected splits with no "
                "pair in common."
            )
