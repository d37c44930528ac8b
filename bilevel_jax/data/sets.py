"""The training and the held-out source that a configuration asks for."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from ml_collections import ConfigDict

from bilevel_jax.data.cached import CachedSource
from bilevel_jax.data.folders import FolderSource, read_list
from bilevel_jax.data.prepared import PreparedSource, is_prepared, read_summary
from bilevel_jax.data.scenes import SceneSource
from bilevel_jax.data.splits import alternate_blocks, check_disjoint
from bilevel_jax.errors import InputError


class Sets(NamedTuple):
    """A training source, the two disjoint parts of it, and a held-out source.

    `inner` indices train the discriminator and the semantic network, `outer` ones the fusion network.
    """

    train: Any
    inner: np.ndarray
    outer: np.ndarray
    validation: Any


def open_sets(config: ConfigDict, seed: int, check_stop: Callable[[], None] = lambda: None) -> Sets:
    """Opens what `config.data` names.

    Args:
        config: the `data` part of a run's configuration.
        seed: which built-in scenes; held-out scenes never coincide with training scenes.
        check_stop: called between pairs where a download is prepared; may raise.

    Raises:
        InputError: a folder or list is not as expected, a name is in both lists, or a part is empty.
    """
    prepared = config.name != "scenes" and (config.name != "folder" or is_prepared(config.root))
    for key in () if prepared else ("train_split", "validation_split", "classes", "ignore_labels"):
        if config[key]:
            raise InputError(
                f"config.data.{key} is {config[key]!r}, which is for prepared data sets; expected its default for "
                f"{config.root or config.name}, or what experiments/prepare.py made of it."
            )
    if config.name == "scenes":
        size = dict(height=config.height, width=config.width)
        train = SceneSource(config.num_train, seed=seed, **size)
        validation = SceneSource(config.num_validation, seed=seed, offset=config.num_train, **size)
    elif prepared:
        train, validation = _open_prepared(config, check_stop)
    else:
        infrared_range = tuple(config.infrared_range) or None
        names = {}
        for split in ("train", "validation"):
            path = Path(config.root) / config[f"{split}_list"]
            if Path(config.root).is_dir() and not path.exists():
                raise InputError(
                    f"{path} does not exist, expected one name a line; or `python experiments/prepare.py "
                    f"--dataset=folder --source={config.root}`, which holds out a fifth of the pairs."
                )
            names[split] = read_list(config.root, config[f"{split}_list"])
        both = sorted(set(names["train"]) & set(names["validation"]))
        if both:
            raise InputError(
                f"{len(both)} names stand in both {config.train_list} and {config.validation_list} of {config.root} "
                f"({', '.join(both[:3])}); expected lists with no name in common."
            )
        how = dict(infrared_range=infrared_range, saliency=config.saliency)
        train, validation = (FolderSource(config.root, names[split], **how) for split in ("train", "validation"))
    inner, outer = alternate_blocks(len(train), block=config.block, groups=train.groups)
    check_disjoint(inner, outer, train.names)
    if config.name != "scenes":  # scenes keep what they have made
        train, validation = (CachedSource(source, config.cache_mebibytes) for source in (train, validation))
    return Sets(train, inner, outer, validation)


def open_other(config: ConfigDict, root: str, names: str | None = None) -> Any:
    """A source of data that a run was not trained on.

    Args:
        config: the `data` part of the run's configuration: how infrared counts and saliency are read.
        root: a folder of pairs, or a prepared data set.
        names: a list file in the folder, or a split of the prepared data set; None = all, or the held-out split.

    Raises:
        InputError: it is neither, or there is no such list or split.
    """
    how = dict(infrared_range=tuple(config.infrared_range) or None, saliency=config.saliency)
    if is_prepared(root):
        source = PreparedSource(root, names or "", ignore_labels=tuple(config.ignore_labels), **how)
    else:
        source = FolderSource(root, read_list(root, names) if names else None, **how)
    return CachedSource(source, config.cache_mebibytes)


def prepared_root(config: ConfigDict, check_stop: Callable[[], None] = lambda: None) -> Path:
    """The prepared folder of the data set that `config.data` names: its root, or what the download there becomes.

    A download is prepared on first use, in `config.prepared_dir`; later runs find it by its files and options.
    `check_stop` is called after each pair and may raise.

    Raises:
        InputError: the root is another data set's, or not as `builders` expect it.
    """
    from bilevel_jax.data.builders.pair_builder import Options
    from bilevel_jax.data.builders.prepare import prepare
    from bilevel_jax.data.builders.summary import summary_text

    if is_prepared(config.root):
        found = read_summary(config.root)["dataset"]
        if found != config.name:
            raise InputError(f"{config.root} holds {found} as prepared, expected {config.name} (config.data.name).")
        return Path(config.root)
    options = Options(classes=tuple(config.classes), allow_overlap=config.allow_overlap)
    made = []
    cache = config.prepared_dir or None
    root = prepare(config.name, config.root, None, options, cache=cache, made=made.append, check_stop=check_stop)
    if made:
        print(f"{config.name} is prepared in {root}\n{summary_text(read_summary(root))}", file=sys.stderr, flush=True)
    return root


def _open_prepared(config: ConfigDict, check_stop: Callable[[], None]) -> tuple[PreparedSource, PreparedSource]:
    root = prepared_root(config, check_stop)
    how = dict(
        infrared_range=tuple(config.infrared_range) or None,
        saliency=config.saliency,
        ignore_labels=tuple(config.ignore_labels),
    )
    train = PreparedSource(root, config.train_split or "train", **how)
    validation = PreparedSource(root, config.validation_split, **how)
    both = sorted(set(train.names) & set(validation.names))
    if both and train.whole_split == validation.whole_split:
        raise InputError(
            f"config.data.train_split is {train.split!r} and validation_split {validation.split!r}, with {len(both)} "
            f"pairs in both ({', '.join(both[:3])}); expected splits with no pair in common."
        )
    return train, validation
