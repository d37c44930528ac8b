"""The splits of a plain folder of pairs: by its list files, or held out where it has no training list."""

import itertools
import os
from collections.abc import Sequence
from pathlib import Path

from ml_collections import ConfigDict

from bilevel_jax.data.annotations.text_lines import is_there
from bilevel_jax.data.builders import builder_class
from bilevel_jax.data.builders.camera_folders import folders_by_split
from bilevel_jax.data.day_or_night import day_or_night
from bilevel_jax.data.hold_out import Indices, hold_out_blocks
from bilevel_jax.data.name_lists import read_list, write_list
from bilevel_jax.data.pair_files import list_pairs
from bilevel_jax.data.sources.folder import FolderSource
from bilevel_jax.data.splits import LIST_FILES, SPLITS, HeldOut, Splits, cut_out, how_read
from bilevel_jax.errors import InputError, first_few

LIST_KEYS = {"train": "train_list", "val": "validation_list", "test": "test_list"}

Lists = dict[str, list[str]]  # the names of each split


def split_folder(config: ConfigDict, mixed_in: bool = False, run: Path | None = None) -> Splits:
    """Makes the splits of a plain folder.

    Its lists are taken as they are. Where it has a training list and no test list, the test is cut out of the training
    list. Where it has no training list, see `_hold_out`.

    Args:
        config: the `data` part of a configuration.
        mixed_in: the folder is mixed in beside a run's own data. With a training list it needs no val then. Without
            one it is divided as if it were the run's own, so that nobody trains on what a table is about.
        run: the folder of a run. The lists that `keep_lists` has left there are taken instead of the folder's own.

    Raises:
        InputError: a list is missing or names no pair, a name stands in two lists, or there are too few pairs.
    """
    _check_layout(Path(config.root))  # a missing folder is named before its lists are
    held_out = None
    if kept := _kept_lists(config, run):
        lists, held_out = kept, HeldOut(kept)
    else:
        lists = _read_lists(config)
        if "train" not in lists:
            sentence = _hold_out(config, lists)
            held_out = HeldOut(lists, sentence)
        else:
            _complete(config, lists, mixed_in)
    sources = {split: FolderSource(config.root, names, **how_read(config)) for split, names in lists.items()}
    return Splits(sources["train"], sources.get("val"), sources.get("test"), held_out)


def name_own_lists(config: ConfigDict) -> None:
    """Lets a configuration name the lists that a folder has of its own, where it was made for another folder.

    A list that lies in the folder under the name that the configuration has stays. Any other one gets its default name.

    Args:
        config: the `data` part of a configuration; its root is the folder, and its lists are renamed in place.
    """
    root = Path(os.path.abspath(config.root))
    for split, key in LIST_KEYS.items():
        path = Path(os.path.abspath(root / config[key]))
        if not (path.is_relative_to(root) and is_there(path)):
            config[key] = LIST_FILES[split]


def _check_layout(root: Path) -> None:
    """Checks that a folder holds pairs, and says what to do where they lie in folders by split."""
    try:
        list_pairs(root)
    except InputError as error:
        if root.is_dir() and builder_class("ultralytics").is_root(root):
            raise InputError(folders_by_split(root)) from error
        raise


def keep_lists(held_out: HeldOut | None, folder: Path) -> str:
    """Keeps the lists of a folder that has no training list with the run that is trained on them.

    The run reads the same pairs when it is resumed or evaluated, even if files have been added to the folder of pairs.

    Args:
        held_out: of `Sets`; None for other data, whose run keeps nothing.
        folder: the run's folder; it receives train.txt, val.txt and test.txt, unless it has them already.

    Returns:
        A sentence for the user, "" where nothing is new.

    Raises:
        InputError: the folder cannot be written.
    """
    if held_out is None or (folder / LIST_FILES["train"]).exists():
        return ""
    # The training list comes last: where it is, the others are.
    for split in ("test", "val", "train"):
        if split in held_out.names:
            write_list(folder / LIST_FILES[split], held_out.names[split])
    files = ", ".join(LIST_FILES[split] for split in SPLITS if split in held_out.names)
    return f"{held_out.sentence}; {folder} keeps the lists {files}." if held_out.sentence else ""


def _kept_lists(config: ConfigDict, run: Path | None) -> Lists:
    """Reads the lists that a run keeps, {} where it keeps none."""
    if run is None or not (run / LIST_FILES["train"]).exists():
        return {}
    files = {split: (run / file).absolute() for split, file in LIST_FILES.items()}
    return {split: read_list(config.root, file) for split, file in files.items() if file.exists()}


def _read_lists(config: ConfigDict) -> Lists:
    """Reads the folder's own lists, those that there are; the test's only where a test is asked for."""
    root = Path(config.root)
    lists = {}
    for split, key in LIST_KEYS.items():
        if split == "test" and not config.test_share:
            continue
        # A list that the configuration renames must be there, so that a typing error is not taken for "no list".
        named = config[key] != LIST_FILES[split]
        if is_there(root / config[key]) or named:
            lists[split] = read_list(root, config[key])
    for one, other in itertools.combinations(SPLITS, 2):
        both = sorted(set(lists.get(one, ())) & set(lists.get(other, ())))
        if both:
            raise InputError(
                f"{len(both)} names stand in both {config[LIST_KEYS[one]]} and {config[LIST_KEYS[other]]} of {root} "
                f"({first_few(both)}); expected lists with no name in common."
            )
    return lists


def _complete(config: ConfigDict, lists: Lists, mixed_in: bool) -> None:
    """Adds the test that a folder with a training list lacks, and refuses one without val, unless it is mixed in."""
    if "val" not in lists and not mixed_in:
        raise InputError(
            f"{Path(config.root) / config.validation_list} does not exist, expected the names of the pairs that choose "
            f"weights, one a line; without {config.train_list} as well, a fifth of the pairs is held out."
        )
    if config.test_share and "test" not in lists:
        _cut_test(config, lists)


def _hold_out(config: ConfigDict, lists: Lists) -> str:
    """Adds the splits that a folder without a training list lacks, and says in a sentence what they are.

    A fifth of the pairs becomes val, in the blocks that `prepare.py --dataset=folder` holds out. Then the test is cut
    out of the rest, as it is cut out of what prepare.py makes. Lists of val and test that there are stay as they are,
    and nobody trains on the pairs in them.
    """
    root = Path(config.root)
    taken = {name for names in lists.values() for name in names}
    if "test" not in lists and is_there(root / config.test_list):  # not read yet where no test is asked for
        taken |= set(read_list(root, config.test_list))
    lists["train"] = [name for name in FolderSource(root).names if name not in taken]
    held_out = []
    if "val" not in lists:
        num = len(lists["train"])
        if num < 2:
            raise InputError(
                f"{root} has no {config.train_list}, and {num} pair(s) are too few to hold a fifth out: expected at "
                f"least 2, or the lists {config.train_list} and {config.validation_list}."
            )
        lists["train"], lists["val"] = _chosen(lists["train"], hold_out_blocks(num))
        held_out.append(f"{len(lists['val'])} pairs (val)")
    if config.test_share and "test" not in lists:
        _cut_test(config, lists)
        held_out.append(f"{len(lists['test'])} pairs (test)")
    rest = len(lists["train"])
    if not held_out:
        return f"{root} has no {config.train_list}: the {rest} pairs that stand in no list are trained on"
    return (
        f"{root} has no {config.train_list}: {' and '.join(held_out)} are held out in contiguous blocks, and the other "
        f"{rest} are trained on"
    )


def _cut_test(config: ConfigDict, lists: Lists) -> None:
    names = lists["train"]
    why = f"{config.root} has no {config.test_list}"
    blocks = cut_out(len(names), day_or_night(names), config.test_share, "test", why)
    lists["train"], lists["test"] = _chosen(names, blocks)


def _chosen(names: Sequence[str], parts: tuple[Indices, Indices]) -> tuple[list[str], list[str]]:
    kept, cut = ([names[i] for i in part] for part in parts)
    return kept, cut
