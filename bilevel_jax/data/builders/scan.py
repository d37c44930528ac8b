"""Which pairs a download holds, by split, and which of its files cannot be used, with the reason."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from bilevel_jax.data.annotations.text_lines import is_there
from bilevel_jax.data.hold_out import hold_out_blocks
from bilevel_jax.data.name_lists import numbered_names
from bilevel_jax.errors import InputError, first_few
from bilevel_jax.images.files import IMAGE_SUFFIXES

Files = dict[str, Path]  # by stem
LISTS = {split: f"{split}.txt" for split in ("train", "val", "test")}
NO_FILES: Mapping[str, Path] = MappingProxyType({})
NO_GROUPS: Mapping[str, str] = MappingProxyType({})


class Pair(NamedTuple):
    """The files of one pair, before any of them is opened.

    Fields:
        name: unique in its split.
        infrared: the infrared image; for MFNet the same file as `visible`.
        visible: the visible image.
        labels: the label map, None where there is none.
        boxes: the file with its boxes, None where there is none.
        saliency: the mask, None where there is none.
        group: "day", "night" or "".
    """

    name: str
    infrared: Path
    visible: Path
    labels: Path | None = None
    boxes: Path | None = None
    saliency: Path | None = None
    group: str = ""


class Rejection(NamedTuple):
    """A file or pair that is left out: its split ("" where it is in none), its name, and the reason."""

    split: str
    name: str
    reason: str


class Scan:
    """Collects what a builder finds in a download.

    Attributes:
        splits: the pairs of each split, in the order of recording.
        rejected: what cannot be used.
        notes: sentences on what was ignored or assumed.
    """

    def __init__(self) -> None:
        self.splits: dict[str, list[Pair]] = {}
        self.rejected: list[Rejection] = []
        self.notes: list[str] = []

    def reject(self, split: str, name: str, reason: str) -> None:
        """Adds a rejection."""
        self.rejected.append(Rejection(split, shown(name), reason))

    def files(
        self,
        folder: Path | None,
        suffixes: Sequence[str] = IMAGE_SUFFIXES,
        split: str = "",
        beside: Sequence[str] = (),
    ) -> Files:
        """Returns the files of a folder by stem; {} for None.

        A path with one of the suffixes is rejected if it is no regular file, or has the stem of another one. Other
        files (Thumbs.db, .DS_Store, macOS's ._NAME.png) are noted.

        Args:
            folder: the folder.
            suffixes: of the files that are wanted, in lower case.
            split: what is rejected is said to be of this split.
            beside: suffixes of files in the folder that are read by another call, so they are not noted.

        Raises:
            InputError: the folder cannot be read.
        """
        files: Files = {}
        strays = []
        if folder is None:
            return files
        try:
            children = sorted(folder.iterdir())
        except OSError as error:
            raise InputError(f"{folder} cannot be read: {error.strerror or error}.") from error
        for path in children:
            hidden = path.name.startswith(".")
            if hidden or path.suffix.lower() not in suffixes:
                if hidden or not (path.suffix.lower() in beside or path.is_dir()):
                    strays.append(path.name)
            elif not path.is_file():
                what = "a link that leads nowhere or to itself" if path.is_symlink() else "no file"
                self.reject(split, path.name, f"{path} is {what}, expected a file.")
            elif path.stem in files:
                reason = f"{path} has the name of {files[path.stem].name} in the same folder, expected one of a name."
                self.reject(split, path.name, reason)
            else:
                files[path.stem] = path
        if strays:
            self.notes.append(f"{folder}: {len(strays)} other file(s) ignored ({first_few(strays)})")
        return files

    def match(
        self,
        split: str,
        infrared: Files,
        visible: Files,
        names: Iterable[str] | None = None,
        *,
        labels: Mapping[str, Path] = NO_FILES,
        boxes: Mapping[str, Path] = NO_FILES,
        saliency: Mapping[str, Path] = NO_FILES,
        groups: Mapping[str, str] = NO_GROUPS,
        where: str = "",
    ) -> list[Pair]:
        """Adds a pair to a split for each name that has both images, and rejects the names that lack one.

        Args:
            split: its name.
            infrared: infrared images by stem.
            visible: visible images by stem.
            names: which pairs, in this order; None = all.
            labels: label maps by stem.
            boxes: files with boxes by stem.
            saliency: masks by stem.
            groups: "day" or "night" by name.
            where: the list that `names` is from, for messages.

        Returns:
            The pairs of the split so far.
        """
        pairs = self.splits.setdefault(split, [])
        for name in sorted({**infrared, **visible}) if names is None else names:
            lacks = [what for what, files in (("infrared", infrared), ("visible", visible)) if name not in files]
            if lacks:
                listed = f" ({where} names it)" if where else ""
                reason = f"there is no {' and no '.join(lacks)} image named {shown(name)}{listed}, expected the pair."
                self.reject(split, name, reason)
                continue
            files = (labels.get(name), boxes.get(name), saliency.get(name))
            pairs.append(Pair(name, infrared[name], visible[name], *files, groups.get(name, "")))
        return pairs

    def hold_out(self, split: str, held_out: str, seed: int) -> None:
        """Moves a fifth of a split's pairs to the split `held_out`, in contiguous blocks drawn by `seed`."""
        pairs = self.splits[split]
        kept, moved = hold_out_blocks(len(pairs), seed=seed)
        self.splits[split], self.splits[held_out] = [pairs[i] for i in kept], [pairs[i] for i in moved]
        self.notes.append(
            f"no list of splits: {len(moved)} of {len(pairs)} pairs held out in contiguous blocks (seed {seed})"
        )

    def lists(self, folder: Path, names: Mapping[str, str] = LISTS) -> dict[str, Path]:
        """Returns the list file of each split that has one. A broken link counts: `read_list` says what is wrong."""
        found = {split: folder / name for split, name in names.items()}
        return {split: path for split, path in found.items() if is_there(path)}

    def read_list(self, path: Path) -> list[str]:
        """Returns the names in a list file, without image suffixes; a name that stands there twice is noted.

        Raises:
            InputError: the file cannot be read, or is empty.
        """
        names: dict[str, int] = {}
        for number, name in numbered_names(path):
            if name in names:
                self.notes.append(f"{path}, line {number} repeats {shown(name)} of line {names[name]}")
            else:
                names[name] = number
        if not names:
            raise InputError(f"{path} is empty, expected one name a line.")
        return list(names)

    def note_unlisted(self, files: Iterable[str]) -> None:
        """Notes how many of these names are in no split although they were not rejected, since no list names them."""
        used = {pair.name for pairs in self.splits.values() for pair in pairs}
        rejected = {entry.name for entry in self.rejected}
        left = sorted(name for name in set(files) - used if shown(name) not in rejected)
        if left:
            self.notes.append(f"{len(left)} pair(s) are in no list and left out ({first_few(map(shown, left))})")

    def note_unannotated(self) -> None:
        """Notes how many pairs of a split lack a label map or boxes where other pairs of it have some."""
        for split, pairs in self.splits.items():
            for what in ("labels", "boxes"):
                lack = [pair.name for pair in pairs if getattr(pair, what) is None]
                if 0 < len(lack) < len(pairs):
                    some = first_few(map(shown, lack))
                    self.notes.append(f"{split}: {len(lack)} of {len(pairs)} pairs have no {what} ({some})")

    def overlap(self) -> list[str]:
        """Returns one sentence for each two splits that name the same infrared file."""
        found = []
        splits = list(self.splits.items())
        for place, (first, pairs) in enumerate(splits):
            files = {pair.infrared: pair.name for pair in pairs}
            for second, others in splits[place + 1 :]:
                both = [pair.name for pair in others if pair.infrared in files]
                if both:
                    found.append(overlap_sentence(first, second, both))
        return found


def overlap_sentence(first: str, second: str, names: Sequence[str]) -> str:
    """Returns the sentence that reports an overlap of two splits: the count and up to three names."""
    return f"{len(names)} pair(s) stand in both {first} and {second} ({first_few(map(shown, names))})"


def shown(text: str, most: int = 60) -> str:
    """Returns a name for a message: cut where it is very long, quoted where it has characters that do not print."""
    text = text if len(text) <= most else text[: most - 3] + "..."
    return text if text.isprintable() else repr(text)
