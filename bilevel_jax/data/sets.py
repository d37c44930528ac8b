"""The training and the held-out sources that a configuration asks for."""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from ml_collections import ConfigDict

from bilevel_jax.data.few_labels import draw_labelled
from bilevel_jax.data.folder_splits import name_own_lists, split_folder
from bilevel_jax.data.inner_outer import Indices, check_disjoint, deal_out
from bilevel_jax.data.name_lists import read_list
from bilevel_jax.data.scenes import SceneSource
from bilevel_jax.data.sources.cached import CachedSource
from bilevel_jax.data.sources.folder import FolderSource
from bilevel_jax.data.sources.prepared import PreparedSource
from bilevel_jax.data.sources.source import Source
from bilevel_jax.data.sources.subset import Subset
from bilevel_jax.data.sources.summary import is_prepared, read_summary
from bilevel_jax.data.splits import SPLIT_KEYS, SPLITS, HeldOut, Splits, how_read, split_prepared, split_scenes
from bilevel_jax.data.tags import pairs_with_tag
from bilevel_jax.errors import InputError


class Sets(NamedTuple):
    """A training source, the two disjoint parts of it, and the held-out sources.

    Fields:
        train: the training pairs.
        inner: indices of the training pairs that train the discriminator and the semantic network.
        outer: indices of the training pairs that train the fusion network.
        validation: the split val, which chooses weights.
        test: what tables are about; None where `config.data.test_share` is 0.
        held_out: what was held out of a folder that has no training list, which `keep_lists` keeps with a run; None for
            all other data.
        mixed_held_out: the same of the folders that are mixed in, by where in the run's folder their lists are kept.
    """

    train: Source
    inner: Indices
    outer: Indices
    validation: Source
    test: Source | None = None
    held_out: HeldOut | None = None
    mixed_held_out: Mapping[str, HeldOut] = MappingProxyType({})

    def learnt_from(self, part: str) -> Source:
        """Returns the training pairs that a fresh network learns from.

        Args:
            part: "all" or "inner", as `config.rows.learn_from` has it.
        """
        return self.train if part == "all" else Subset(self.train, self.inner, renumbered=True)

    def reported(self, split: str | None = None) -> tuple[str, Source]:
        """Returns the name and the source of the split that a table is about.

        Args:
            split: "val" or "test"; None = test, or val where there is no test.

        Raises:
            InputError: there is no test.
        """
        if split == "val" or (split is None and self.test is None):
            return "val", self.validation
        if self.test is None:
            raise InputError("there is no split test, since config.data.test_share is 0; expected --split=val.")
        return "test", self.test


class TrainingSet(NamedTuple):
    """The training pairs of a data set that is mixed in beside a run's own, and the two disjoint parts of them.

    Fields:
        train: the training pairs.
        inner: indices of the part that trains the discriminator and the semantic network.
        outer: indices of the part that trains the fusion network.
        held_out: what was held out of a folder that has no training list; None for all other data.
    """

    train: Source
    inner: Indices
    outer: Indices
    held_out: HeldOut | None = None


def open_sets(
    config: ConfigDict, seed: int, check_stop: Callable[[], None] = lambda: None, run: Path | None = None
) -> Sets:
    """Opens what `config.data` names, split into train, val and test as `data.splits` says.

    Args:
        config: the `data` part of a run's configuration.
        seed: which built-in scenes; held-out scenes are never training scenes.
        check_stop: called between pairs where a download is prepared; may raise.
        run: the folder of a run. The lists of a plain folder's pairs that `keep_lists` has left there are taken instead
            of the folder's own.

    Raises:
        InputError: a folder or list is not as expected, a name is in two lists, or a split is empty.
    """
    splits = _open_splits(config, seed, check_stop, run=run)
    if splits.val is None:  # only a folder that is mixed in may lack it
        raise ValueError("the data has no val")
    own = _training_set(config, splits, seed)
    test = None if splits.test is None else _cached(config, splits.test)
    return Sets(own.train, own.inner, own.outer, _validation(config, splits.val), test, splits.held_out)


def open_training_set(config: ConfigDict, seed: int, kept: Path | None = None) -> TrainingSet:
    """Opens the training pairs of a data set that is mixed in beside a run's own.

    They are the training pairs of the set by itself, so nobody trains on its val or its test. A plain folder with a
    training list needs no val here.

    Args:
        config: the `data` part of a configuration that names the set.
        seed: which built-in scenes.
        kept: where a run keeps lists of the set; those that `keep_lists` has left there are taken.

    Raises:
        InputError: as `open_sets`.
    """
    return _training_set(config, _open_splits(config, seed, mixed_in=True, run=kept), seed)


def open_other(config: ConfigDict, root: str, names: str | None = None) -> Source:
    """Opens data that a run was not trained on.

    Args:
        config: the `data` part of the run's configuration: how infrared counts and saliency are read, what lists are
            called, and how much is cut out.
        root: a folder of pairs, or a prepared data set.
        names: a list file in the folder, or a split of the prepared data set. "train", "val" or "test" means the split
            that training would make, where there is no such file or split. None = all pairs of a folder, or the
            held-out split of a prepared set.

    Raises:
        InputError: `root` is neither, or there is no such list or split.
    """
    source: Source
    if is_prepared(root):
        if names in SPLITS and names not in read_summary(root)["splits"]:
            source = _one_split(config, root, names)
        else:
            source = PreparedSource(root, names or "", ignore_labels=tuple(config.ignore_labels), **how_read(config))
    elif names in SPLITS and not (Path(root) / names).exists():
        source = _one_split(config, root, names)
    else:
        source = FolderSource(root, read_list(root, names) if names else None, **how_read(config))
    return _cached(config, source)


def prepared_root(config: ConfigDict, check_stop: Callable[[], None] = lambda: None) -> Path:
    """Returns the prepared folder of the data set that `config.data` names.

    It is the root itself, or what the download there becomes. A download is prepared on first use, in
    `config.prepared_dir`; later runs find it by its files and options.

    Args:
        config: the `data` part of a configuration.
        check_stop: called after each pair that is prepared; may raise.

    Raises:
        InputError: the root holds another data set, or is not as `builders` expects it.
    """
    from bilevel_jax.data.builders.options import Options
    from bilevel_jax.data.builders.prepare import prepare
    from bilevel_jax.data.builders.summarize import summary_text

    if is_prepared(config.root):
        found = read_summary(config.root)["dataset"]
        if found != config.name:
            raise InputError(f"{config.root} holds {found} as prepared, expected {config.name} (config.data.name).")
        return Path(config.root)
    options = Options(classes=tuple(config.classes), allow_overlap=config.allow_overlap)
    made: list[Path] = []
    cache = config.prepared_dir or None
    root = prepare(config.name, config.root, None, options, cache=cache, made=made.append, check_stop=check_stop)
    if made:
        print(f"{config.name} is prepared in {root}\n{summary_text(read_summary(root))}", file=sys.stderr, flush=True)
    return root


def _open_splits(
    config: ConfigDict,
    seed: int,
    check_stop: Callable[[], None] = lambda: None,
    mixed_in: bool = False,
    run: Path | None = None,
) -> Splits:
    prepared = config.name != "scenes" and (config.name != "folder" or is_prepared(config.root))
    for key in () if prepared else (*SPLIT_KEYS.values(), "classes", "ignore_labels"):
        if config[key]:
            raise InputError(
                f"config.data.{key} is {config[key]!r}, which is for prepared data sets; expected its default for "
                f"{config.root or config.name}, or what experiments/prepare.py made of it."
            )
    if config.name == "scenes":
        return split_scenes(config, seed)
    if prepared:
        return split_prepared(config, prepared_root(config, check_stop))
    return split_folder(config, mixed_in, run)


def _training_set(config: ConfigDict, splits: Splits, seed: int) -> TrainingSet:
    train = _cached(config, splits.train)
    for_inner = pairs_with_tag(train, config.inner_where, "inner_where", "training pairs")
    for_outer = pairs_with_tag(train, config.outer_where, "outer_where", "training pairs")
    inner, outer = deal_out(for_inner, for_outer, block=config.block, groups=train.groups)
    inner = draw_labelled(train, inner, config.inner_labels, seed)
    check_disjoint(inner, outer, train.names)
    return TrainingSet(train, inner, outer, splits.held_out)


def _validation(config: ConfigDict, val: Source) -> Source:
    val = _cached(config, val)
    chosen = pairs_with_tag(val, config.validation_where, "validation_where", "val pairs")
    return val if chosen.all() else Subset(val, np.flatnonzero(chosen), renumbered=True)


def _cached(config: ConfigDict, source: Source) -> Source:
    """The source with a memory, unless it is the built-in scenes, which have one of their own."""
    return source if isinstance(source, SceneSource) else CachedSource(source, config.cache_mebibytes)


def _one_split(config: ConfigDict, root: str, split: str) -> Source:
    own = config.copy_and_resolve_references()
    with own.unlocked():
        own.root = root
        for key in SPLIT_KEYS.values():
            own[key] = ""
        if Path(root).resolve() != Path(config.root).resolve():
            name_own_lists(own)
    splits = split_prepared(own, Path(root)) if is_prepared(root) else split_folder(own, mixed_in=True)
    source = {"train": splits.train, "val": splits.val, "test": splits.test}[split]
    if source is None:
        why = "config.data.test_share is 0" if split == "test" else "no list says which pairs it has"
        raise InputError(f"{root} has no {split}, and {why}; expected a list or a split of that name.")
    return source
