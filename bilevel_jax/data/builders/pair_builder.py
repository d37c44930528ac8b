"""What all data sets of pairs share: a TFDS builder whose examples are encoded bytes, so it needs no TensorFlow."""

import abc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import tensorflow_datasets as tfds

from bilevel_jax.data.annotations.check_boxes import Boxes
from bilevel_jax.data.annotations.yolo import read_yolo
from bilevel_jax.data.builders.find_folders import find_root
from bilevel_jax.data.builders.make_example import Example, Facts, make_example
from bilevel_jax.data.builders.miniature import Miniature
from bilevel_jax.data.builders.options import Options
from bilevel_jax.data.builders.scan import Pair, Scan, overlap_sentence
from bilevel_jax.data.sources.source import Source
from bilevel_jax.errors import InputError
from bilevel_jax.images.files import read_file
from bilevel_jax.images.saliency import METHODS

PAIRS_PER_SHARD = 1000


class PairBuilder(tfds.core.GeneratorBasedBuilder, skip_registration=True):  # type: ignore[call-arg]  # TFDS is untyped
    """Base class of the data sets: a subclass says where the files lie, and what the classes are called.

    Attributes:
        name: what `config.data.name` and `prepare.py --dataset` call the data set; also the name of its module.
        title: its name as its authors write it.
        help: what it is, in one clause.
        citation: the paper, "" where there is none.
        layout: what its folders look like, for messages.
        split_names: the splits of a complete download; `train` and `test` where none is published and a fifth is held
            out.
        held_out: the splits that may serve as held-out set; the first one that the download has does.
        class_names: box classes; () where a download has no boxes.
        label_names: segmentation classes; () where a download has no label maps.
        palette: the colours of a coloured label map, RRGGBB, colour i for class i.
        scan: the pairs that were found, and what was rejected before any file was opened.
        facts: (split, pair) -> what was counted, filled as examples are made.
        progress: called after each pair.
    """

    VERSION = tfds.core.Version("1.0.0")
    # Nothing is downloaded. Without this, TFDS would look for a list of downloads with a package that may be missing.
    url_infos: ClassVar[dict] = {}
    name: ClassVar[str]
    title: ClassVar[str]
    help: ClassVar[str]
    citation: ClassVar[str] = ""
    layout: ClassVar[str]
    split_names: ClassVar[tuple[str, ...]] = ("train", "test")
    held_out: ClassVar[tuple[str, ...]] = ("test", "val")
    class_names: tuple[str, ...] = ()
    label_names: tuple[str, ...] = ()
    palette: tuple[str, ...] = ()

    def __init__(
        self,
        *,
        source: str | Path,
        options: Options | None = None,
        data_dir: str | Path | None = None,
        **kwargs: Any,
    ):
        """Lists the pairs of a download and opens no image.

        Args:
            source: the folder as it was unpacked.
            options: see `Options`.
            data_dir: where TFDS writes.
            **kwargs: TFDS's own arguments.

        Raises:
            InputError: the folder is not the data set's, holds no pair, or its splits overlap.
        """
        self.options, self.scan = options or Options(), Scan()
        self.facts: dict[tuple[str, str], Facts] = {}
        self.progress: Callable[[], object] = lambda: None
        self._digests: dict[bytes, tuple[str, str]] = {}
        self.root = find_root(Path(source), self.is_root, self.title, self.layout)
        self.list_pairs(self.scan)
        self.scan.splits = {split: pairs for split, pairs in self.scan.splits.items() if pairs}
        if not self.scan.splits:
            why = f": {self.scan.rejected[0].reason}" if self.scan.rejected else f" ({self.layout})."
            raise InputError(f"{self.root} holds no pair of {self.title}{why}")
        self.scan.note_unannotated()
        pairs = [pair for pairs in self.scan.splits.values() for pair in pairs]
        if not any(pair.boxes for pair in pairs):
            self.class_names = ()
        if not any(pair.labels for pair in pairs):
            self.label_names = ()
        self._add_masks()
        if overlap := self.scan.overlap():
            self._overlap("; ".join(overlap))
        super().__init__(data_dir=data_dir, file_format="array_record", **kwargs)

    @classmethod
    @abc.abstractmethod
    def is_root(cls, folder: Path) -> bool:
        """Returns whether a folder looks like this data set's."""

    @abc.abstractmethod
    def list_pairs(self, scan: Scan) -> None:
        """Puts the pairs under `self.root` into `scan`, by split and in the order of recording."""

    @classmethod
    @abc.abstractmethod
    def write_miniature(cls, root: Path, scenes: Source) -> Miniature:
        """Writes ten of the built-in scenes to `root`, an empty or missing folder, as a small download."""

    def read_images(self, pair: Pair) -> tuple[bytes, bytes]:
        """Returns the encoded infrared and the encoded visible image of a pair."""
        return read_file(pair.infrared), read_file(pair.visible)

    def read_boxes(self, path: Path, name: str, height: int, width: int) -> Boxes:
        """Returns the boxes of a pair. Here: of YOLO text, whose class numbers `yolo_names` names.

        Args:
            path: the pair's file with boxes.
            name: the pair's name.
            height: of its images in pixels.
            width: of its images in pixels.

        Raises:
            InputError: the file is damaged, or a box is refused by `annotations.check_boxes`.
        """
        return read_yolo(path, self.yolo_names, height, width)

    @property
    def yolo_names(self) -> tuple[str, ...]:
        """Names of the class numbers in YOLO text."""
        return self.options.classes or self.class_names

    def held_out_split(self) -> str:
        """Returns the split that serves as held-out set."""
        splits = list(self.scan.splits)
        return next((split for split in self.held_out if split in splits), splits[-1])

    def _info(self) -> tfds.core.DatasetInfo:
        encoded = tfds.features.Tensor(shape=(), dtype=np.object_)
        return tfds.core.DatasetInfo(
            builder=self,
            features=tfds.features.FeaturesDict(
                {
                    "name": tfds.features.Text(),
                    "group": tfds.features.Text(),
                    "ir": encoded,
                    "vis": encoded,
                    "saliency": encoded,
                    "labels": encoded,
                    "boxes": tfds.features.Tensor(shape=(None, 4), dtype=np.float32),
                    "classes": tfds.features.Tensor(shape=(None,), dtype=np.int32),
                    "has_labels": np.bool_,
                    "has_boxes": np.bool_,
                }
            ),
            metadata=tfds.core.MetadataDict(
                class_names=list(self.class_names), label_names=list(self.label_names), title=self.title
            ),
            disable_shuffling=True,
        )

    def _download_and_prepare(self, dl_manager: Any, download_config: Any) -> None:
        """Writes pair by pair. TFDS's own way holds a split in memory, and from a gigabyte on needs TensorFlow."""
        del download_config
        examples = self._split_generators(dl_manager)
        info = self._info()  # of the temporary folder, which TFDS renames afterwards
        writer = tfds.core.SequentialWriter(info, max_examples_per_shard=PAIRS_PER_SHARD, file_format="array_record")
        writer.initialize_splits(list(examples))
        for split, generator in examples.items():
            writer.add_examples({split: (example for _, example in generator)})
            writer.close_splits([split])
        self.info.set_splits(info.splits)

    def _split_generators(self, dl_manager: Any) -> dict[str, Iterator[tuple[int, Example]]]:
        del dl_manager  # the files are there
        return {split: self._generate_examples(split) for split in self.scan.splits}

    def _generate_examples(self, split: str) -> Iterator[tuple[int, Example]]:
        pairs = self.scan.splits[split]
        good = 0
        for number, pair in enumerate(pairs):
            try:
                example, facts = make_example(self, pair)
            except InputError as error:
                self.scan.reject(split, pair.name, str(error))
            else:
                self._check_twin(split, pair, facts.digest)
                self.facts[split, pair.name] = facts
                self.scan.notes += [note.sentence() for note in facts.notes]
                good += 1
                yield number, example
            self.progress()
        if not good:
            first = next(entry for entry in self.scan.rejected if entry.split == split)
            raise InputError(
                f"none of the {len(pairs)} pairs of {split} can be used, the first because: {first.reason}"
            )

    def _check_twin(self, split: str, pair: Pair, digest: bytes) -> None:
        """Refuses the same two images in two splits, under another name too."""
        twin = self._digests.setdefault(digest, (split, pair.name))
        if twin[0] != split and twin[1] != pair.name:
            self._overlap(f"{pair.name} of {split} has the same files as {twin[1]} of {twin[0]}")
        elif twin[0] != split:
            self._overlap(overlap_sentence(twin[0], split, [pair.name]))

    def _overlap(self, sentence: str) -> None:
        if not self.options.allow_overlap:
            raise InputError(
                f"{self.root}: {sentence}, expected splits without a pair in common (--allow_overlap takes them)."
            )
        if sentence not in self.scan.notes:
            self.scan.notes.append(sentence)

    def _add_masks(self) -> None:
        """Gives every pair its mask where the options name a folder of masks."""
        folder = self.options.saliency
        if not folder or folder in METHODS:
            return
        if not Path(folder).is_dir():
            raise InputError(f"saliency is {folder!r}, expected one of {', '.join(METHODS)}, or a folder of masks.")
        masks = self.scan.files(Path(folder))
        for split, pairs in self.scan.splits.items():
            kept = []
            for pair in pairs:
                if pair.name in masks:
                    kept.append(pair._replace(saliency=masks[pair.name]))
                else:
                    reason = f"there is no mask named {pair.name} in {folder}, expected one for every pair."
                    self.scan.reject(split, pair.name, reason)
            self.scan.splits[split] = kept
            if not kept:
                raise InputError(f"{folder} holds no mask for any pair of {split}, expected one for each by its name.")
