"""What a judge found in images, kept in a file by the content of each image, so that no image is looked at twice."""

import hashlib
import zipfile
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Shaped, UInt
from tqdm import tqdm

from bilevel_jax.atomic import replacing
from bilevel_jax.evaluation.judges.judge import Judge

# Part of every judge's digest. It rises where decoding changes, so that nothing that was found in the old way is read.
FORMAT = 1


def look_at(
    judge: Judge,
    images: Sequence[UInt[np.ndarray, "h w 3"]],
    path: Path | None = None,
    check_stop: Callable[[], None] = lambda: None,
    title: str = "",
) -> list[Shaped[np.ndarray, "..."]]:
    """Returns what a judge finds in each image.

    Args:
        judge: looks at the images.
        images: RGB, 8 or 16 bit.
        path: a file of an earlier call, NAME.npz; it is read, and replaced where an image is new. A damaged file counts
            as none.
        check_stop: called after every image; may raise. What was found until then is kept.
        title: of the progress bar.
    """
    digests = []
    kept = _read(path) if path else {}
    new = False
    try:
        for image in tqdm(images, desc=title, unit="image", leave=False, dynamic_ncols=True):
            digest = hashlib.sha256(f"{image.shape} {image.dtype}".encode() + image.tobytes()).hexdigest()
            digests.append(digest)
            if digest not in kept:
                kept[digest] = judge.look(image)
                new = True
            check_stop()
    finally:
        if path and new:
            with replacing(path) as temporary:
                arrays: Any = kept  # numpy's own stub takes every keyword for an option
                np.savez_compressed(temporary, **arrays)
    return [kept[digest] for digest in digests]


def found_file(folder: Path, judge: Judge, set_name: str, row: str) -> Path:
    """Returns the file for what a judge found in one row of one data set."""
    return folder / "found" / set_name / f"{judge.name}-{judge.digest[:12]}" / f"{row.replace(':', '_')}.npz"


def _read(path: Path) -> dict[str, np.ndarray]:
    try:
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except (OSError, EOFError, ValueError, zipfile.BadZipFile, zlib.error):
        return {}
