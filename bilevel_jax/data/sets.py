"""The training and the held-out sources that a configuration asks for."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from ml_collections import ConfigDict

from bilevel_jax.data.parting import SPLIT_KEYS, SPLITS, Parts, how_read, part_folder, part_prepared, part_scenes
from bilevel_jax.data.sources.cached import CachedSource
from bilevel_jax.data.sources.folder import FolderSource, read_list
from bilevel_jax.data.sources.prepared import PreparedSource, is_prepared, read_summary
from bilevel_jax.data.splits import alternate_blocks, check_disjoint
from bilevel_jax.errors import InputError


class Sets(NamedTuple):
    """A training source, the two disjoint parts of it, and the held-out sources.

    `inner` indices train the discriminator and the semantic network, `outer` ones the fusion network. `validation` is
    the split val, which chooses weights. `test` is what tables are about, None where `config.data.test_share` is 0.
    """

    train: Any
    inner: np.ndarray
    outer: np.ndarray
    validation: Any
    test: Any = None

    def reported(self, split: str | None = None) -> tuple[str, Any]:
        """The name and the source of the split that a table is about.

        Args:
            split: "val" or "test"; None = test, or val where there is no test.

        Raises:
            InputError: there is no test.
        """
        split = split or ("val" if self.test is None else "test")
        if split == "test" and self.test is None:
            raise InputError("there is no split test, since config.data.test_share is 0; expected --split=val.")
        return split, self.test if split == "test" else self.validation


def open_sets(
    config: ConfigDict, seed: int, check_stop: Callable[[], None] = lambda: None, chooses: bool = True
) -> Sets:
    """Opens what `config.data` names, parted into train, val and test as `data.parting` says.

    Args:
        config: the `data` part of a run's configuration.
        seed: which built-in scenes; held-out scenes never coincide with training scenes.
        check_stop: called between pairs where a download is prepared; may raise.
        chooses: False for a set that is mixed in beside a run's own: it needs no val, and `validation` may be None.

    Raises:
        InputError: a folder or list is not as expected, a name is in two lists, or a part is empty.
    """
    prepared = config.name != "scenes" and (config.name != "folder" or is_prepared(config.root))
    for key in () if prepared else (*SPLIT_KEYS.values(), "classes", "ignore_labels"):
        if config[key]:
            raise InputError(
                f"config.data.{key} is {config[key]!r}, which is for prepared data sets; expected its default for "
                f"{config.root or config.name}, or what experiments/prepare.py made of it."
            )
    if config.name == "scenes":
        parts = part_scenes(config, seed)
    elif prepared:
        parts = part_prepared(config, prepared_root(config, check_stop), chooses)
    else:
        parts = part_folder(config, chooses)
    inner, outer = alternate_blocks(len(parts.train), block=config.block, groups=parts.train.groups)
    check_disjoint(inner, outer, parts.train.names)
    if config.name != "scenes":  # scenes keep what they have made
        parts = Parts(*(part if part is None else CachedSource(part, config.cache_mebibytes) for part in parts))
    return Sets(parts.train, inner, outer, parts.val, parts.test)


def open_other(config: ConfigDict, root: str, names: str | None = None) -> Any:
    """A source of data that a run was not trained on.

    Args:
        config: the `data` part of the run's configuration: how infrared counts and saliency are read, what lists are
            called, and how much is cut out.
        root: a folder of pairs, or a prepared data set.
        names: a list file in the folder, or a split of the prepared data set; "train", "val" or "test", as the set is
            parted for training, where it has no such file or split; None = all, or the held-out split.

    Raises:
        InputError: it is neither, or there is no such list or split.
    """
    if is_prepared(root):
        if names in SPLITS and names not in read_summary(root)["splits"]:
            source = _part_of(config, root, names)
        else:
            source = PreparedSource(root, names or "", ignore_labels=tuple(config.ignore_labels), **how_read(config))
    elif names in SPLITS and not (Path(root) / names).exists():
        source = _part_of(config, root, names)
    else:
        source = FolderSource(root, read_list(root, names) if names else None, **how_read(config))
    return CachedSource(source, config.cache_mebibytes)


def _part_of(config: ConfigDict, root: str, split: str) -> Any:
    own = config.copy_and_resolve_references()
    with own.unlocked():
        own.root = root
        for key in SPLIT_KEYS.values():
            own[key] = ""
    parts = part_prepared(own, Path(root)) if is_prepared(root) else part_folder(own, chooses=split == "val")
    part = getattr(parts, split)
    if part is None:
        raise InputError(f"{root} has no {split}, and config.data.test_share is 0; expected a list or split of it.")
    return part


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
