"""Fusing files: each fused image is written whole or not at all, and a bad pair does not stop the others."""

import contextlib
import os
import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from tqdm import tqdm

from bilevel_jax.errors import InputError
from bilevel_jax.images.files import IMAGE_SUFFIXES, write_image, written_suffixes
from bilevel_jax.images.files.file_notes import FileNotes
from bilevel_jax.inference.fuse_pair import PairReader, fuse_pair
from bilevel_jax.inference.image_fuser import ImageFuser
from bilevel_jax.inference.overlap import WriteBehind, read_ahead
from bilevel_jax.inference.pair_placement import AlignmentChoice, LeftOut, PairPlacer
from bilevel_jax.inference.pair_size import NO_RESIZE, RESIZE
from bilevel_jax.inference.pairing import FilePairs, search_pairs
from bilevel_jax.inference.read_pair import read_pair

FORMATS = tuple(suffix.removeprefix(".") for suffix in written_suffixes())
DEFAULT_FORMAT = "png"
EACH_IMAGE, WHOLE_FOLDER = "image", "folder"  # where the gain of the infrared images is measured


def fuse_files(
    fuser: ImageFuser,
    infrared: str | os.PathLike,
    visible: str | os.PathLike,
    out: str | os.PathLike,
    *,
    suffix: str | None = None,
    infrared_range: tuple[float, float] | None = None,
    visible_range: tuple[float, float] | None = None,
    exposure: str | float = EACH_IMAGE,
    resize: str = NO_RESIZE,
    alignment: AlignmentChoice | None = None,
    skip_existing: bool = False,
    recursive: bool = False,
) -> list[Path]:
    """Fuses a pair of files, or every pair that `search_pairs` finds, as `fuse_pairs` does.

    Args:
        fuser: a network or a rule.
        infrared, visible, recursive: as `search_pairs` takes them.
        out, suffix, infrared_range, visible_range, exposure, resize, alignment, skip_existing: as `fuse_pairs` takes
            them.

    Returns:
        The fused files.

    Raises:
        InputError: as `search_pairs` and `fuse_pairs`.
    """
    found = search_pairs(infrared, visible, recursive=recursive, without=out)
    return fuse_pairs(
        fuser,
        found.pairs,
        out,
        alone=found.alone,
        suffix=suffix,
        infrared_range=infrared_range,
        visible_range=visible_range,
        exposure=exposure,
        resize=resize,
        alignment=alignment,
        skip_existing=skip_existing,
    )


def fuse_pairs(
    fuser: ImageFuser,
    pairs: FilePairs,
    out: str | os.PathLike,
    *,
    alone: Sequence[str] = (),
    suffix: str | None = None,
    infrared_range: tuple[float, float] | None = None,
    visible_range: tuple[float, float] | None = None,
    exposure: str | float = EACH_IMAGE,
    resize: str = NO_RESIZE,
    alignment: AlignmentChoice | None = None,
    skip_existing: bool = False,
) -> list[Path]:
    """Fuses pairs of files into OUT/NAME.SUFFIX, with a progress bar and a summary.

    Args:
        fuser: a network or a rule.
        pairs: infrared and visible file of each fused image, by its name, as `search_pairs` finds them.
        out: the folder for the fused images, made where it does not exist; or, for one pair, the fused file.
        alone: sentences on files without a partner, which are raised at the end.
        suffix: one of `FORMATS`; None = that of `out` if it is a file, else png. 16 bit visible images need png or tif.
        infrared_range: (low, high) in the infrared files' own unit that become black and white. By default `scale_raw`
            decides for each image.
        visible_range: (low, high) levels of 16 bit visible files that become black and white. By default
            `scale_visible` decides for each image.
        exposure: gain of the infrared images. `EACH_IMAGE` = each image has its own, which the fuser measures;
            `WHOLE_FOLDER` = all have the median of these, so that pictures of one rig or of one video stay alike; a
            number = this gain.
        resize: which image takes the size of the other where sizes differ, one of `pair_size.RESIZE`.
        alignment: what moves the infrared images onto the visible ones; None = they are taken to lie there, and a line
            names those that seem to be shifted.
        skip_existing: pairs whose fused file exists are left out.

    Returns:
        The fused files, those that existed included, and without those of pairs that were left out.

    Raises:
        InputError: an option is unknown, a fused file would replace an input, the gain is not positive, a file cannot
            be written, or an image cannot be read or differs in size from its partner. A bad pair of several, and
            files without a partner, are raised after the others have been fused. Files that were written before remain.
    """
    if resize not in RESIZE:
        raise InputError(f"--resize={resize} is not known; expected one of {', '.join(RESIZE)}.")
    targets = output_files(pairs, out, suffix)
    started = time.perf_counter()
    gain = _gain(fuser, list(pairs.values()), infrared_range, exposure)
    todo = {name: paths for name, paths in pairs.items() if not (skip_existing and targets[name].is_file())}
    notes, bad, left_out = FileNotes(), [], []
    place = PairPlacer(resize, alignment)
    read = read_ahead(PairReader(infrared_range, visible_range, place), todo.values())
    bar = tqdm(todo.items(), unit="pair", dynamic_ncols=True)
    try:
        with WriteBehind() as writer:
            for (name, paths), data in zip(bar, read, strict=True):
                try:
                    pair, metadata = data()
                    notes.add(pair.notes)
                    fused = fuse_pair(fuser, paths, pair, gain)
                except InputError as error:
                    if len(pairs) == 1 and not alone:
                        raise
                    if isinstance(error, LeftOut):
                        left_out.append(name)
                    else:
                        bad.append(str(error))
                    continue
                writer.submit(partial(write_image, targets[name], fused, metadata))
    finally:
        read.close()
    for line in notes.lines() + place.lines():
        print(line, flush=True)
    if len(todo) < len(pairs):
        print(f"Skipped {len(pairs) - len(todo)} pair(s) whose fused file exists", flush=True)
    print(
        f"Fused {len(todo) - len(bad) - len(left_out)} pair(s) in {time.perf_counter() - started:.1f} s into {out}",
        flush=True,
    )
    if bad:
        head = f"{len(bad)} of {len(pairs)} pairs could not be fused:"
        raise InputError("\n  ".join([head, *bad, *alone]))
    if alone:
        raise InputError("\n  ".join(alone))
    return [target for name, target in targets.items() if name not in left_out]


def output_files(pairs: FilePairs, out: str | os.PathLike, suffix: str | None) -> Mapping[str, Path]:
    """Returns the fused file of each pair by name.

    Raises:
        InputError: the suffix is unknown, `out` is a file and there are several pairs, or a fused file would replace
            an input or would be in a folder of input images.
    """
    if suffix is not None and suffix not in FORMATS:
        raise InputError(f"--format={suffix} is not known; expected one of {', '.join(FORMATS)}.")
    out = Path(out)
    if out.suffix.lower() in IMAGE_SUFFIXES and not out.is_dir():
        if len(pairs) != 1:
            raise InputError(f"--out={out} names one file, but there are {len(pairs)} pairs; expected a folder.")
        named = out.suffix.lower().removeprefix(".")
        if named not in FORMATS:
            raise InputError(f"--out={out} cannot be written as {named}; expected one of {', '.join(FORMATS)}.")
        if suffix not in (None, named):
            raise InputError(f"--out={out} and --format={suffix} name two formats; expected one of them.")
        targets = {name: out for name in pairs}
    else:
        targets = {name: out / f"{name}.{suffix or DEFAULT_FORMAT}" for name in pairs}
    sources = {path.resolve() for pair in pairs.values() for path in pair}
    for target in targets.values():
        if target.resolve() in sources:
            raise InputError(
                f"{target} is an input image and would be overwritten; expected another --out or --format."
            )
    if out.resolve() in {path.parent for path in sources if len(pairs) > 1}:
        # The folder would hold two files of one stem, so its images could not be paired any more.
        raise InputError(f"{out} is a folder of input images; expected another --out.")
    return targets


def _gain(
    fuser: ImageFuser,
    pairs: Sequence[tuple[Path, Path]],
    infrared_range: tuple[float, float] | None,
    exposure: str | float,
) -> float | None:
    """The gain of all images; None = the fuser measures each of them, or measures none."""
    if exposure == EACH_IMAGE or (exposure == WHOLE_FOLDER and fuser.exposure == 1):
        return None
    if exposure != WHOLE_FOLDER:
        return float(exposure)
    gains = []
    for infrared, visible in tqdm(pairs, desc="exposure", unit="image", dynamic_ncols=True):
        # A file that cannot be read is named when its pair is fused.
        with contextlib.suppress(InputError):
            gains.append(fuser.exposure_of(read_pair(infrared, visible, infrared_range).infrared))
    gain = float(np.median(gains)) if gains else 1.0
    print(f"Gain of the infrared images: {gain:.2f}, the median of {len(gains)} image(s)", flush=True)
    return gain
