"""Fusing files: pairs are matched by the stem of their names, and each fused image is written whole or not at all."""

import filecmp
import os
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from tqdm import tqdm

from bilevel_jax.data.pair_files import list_files
from bilevel_jax.errors import InputError, first_few
from bilevel_jax.images.files import IMAGE_SUFFIXES, read_image, read_pair_metadata, scale_raw, write_image
from bilevel_jax.inference.image_fuser import ImageFuser
from bilevel_jax.inference.suffix_pairs import check_not_swapped, split_folder, without_suffixes

FORMATS = ("png", "jpg", "tif", "bmp")
EACH_IMAGE, WHOLE_FOLDER = "image", "folder"  # where the gain of the infrared images is measured


def find_pairs(infrared: str | os.PathLike, visible: str | os.PathLike) -> dict[str, tuple[Path, Path]]:
    """Returns the pairs (infrared file, visible file) of two folders by stem, or one pair of two files.

    Where stems differ, they are compared without the camera's suffix (x_T and x_V). One folder may hold both cameras.

    The stem of two files is that of the visible one.

    Raises:
        InputError: a path does not exist, a folder holds no images, one path is a file and the other a folder, an image
            has no partner, two images have the same stem, one image is given twice, the two folders seem to be
            swapped, or one folder is given twice and its names do not say which camera each image is from.
    """
    paths = [Path(infrared), Path(visible)]
    for flag, path in zip(("--ir", "--vis"), paths, strict=True):
        if not path.exists():
            raise InputError(f"{flag}={path} does not exist; expected an image or a folder of images.")
    if paths[0].is_file() and paths[1].is_file():
        if paths[0].samefile(paths[1]):
            raise InputError(f"{paths[0]} is given as --ir and as --vis; expected two different images.")
        return {paths[1].stem: (paths[0], paths[1])}
    if paths[0].is_file() or paths[1].is_file():
        raise InputError(f"--ir={paths[0]} and --vis={paths[1]} are a file and a folder; expected two of a kind.")
    by_stem = [list_files(path, IMAGE_SUFFIXES) for path in paths]
    for path, files in zip(paths, by_stem, strict=True):
        if not files:
            raise InputError(f"{path} holds no image; expected files with one of {', '.join(IMAGE_SUFFIXES)}.")
    by_stem = _by_common_stem(paths, by_stem)
    for here, there in ((0, 1), (1, 0)):
        alone = sorted(by_stem[here].keys() - by_stem[there].keys())
        if alone:
            some = first_few(by_stem[here][stem].name for stem in alone)
            raise InputError(
                f"{paths[here]} holds {len(alone)} image(s) without a partner ({some}); expected the same names in "
                f"{paths[there]}."
            )
    return {stem: (by_stem[0][stem], by_stem[1][stem]) for stem in sorted(by_stem[0])}


def _by_common_stem(paths: Sequence[Path], by_stem: list[dict[str, Path]]) -> list[dict[str, Path]]:
    """The files by the stems that pair them: their own where these match, else those without the camera's suffix."""
    if paths[0].samefile(paths[1]):
        by_stem = list(split_folder(paths[0], by_stem[0]))
    elif by_stem[0].keys() == by_stem[1].keys():
        return by_stem
    check_not_swapped(by_stem[0], by_stem[1])
    bare = without_suffixes(by_stem[0], by_stem[1])
    return list(bare) if bare[0].keys() == bare[1].keys() or paths[0].samefile(paths[1]) else by_stem


def fuse_files(
    fuser: ImageFuser,
    infrared: str | os.PathLike,
    visible: str | os.PathLike,
    out: str | os.PathLike,
    *,
    suffix: str = "png",
    infrared_range: tuple[float, float] | None = None,
    exposure: str | float = EACH_IMAGE,
) -> list[Path]:
    """Fuses a pair of files, or every pair of two folders, into OUT/STEM.SUFFIX, with a progress bar and a summary.

    Args:
        fuser: a network or a rule.
        infrared, visible: two folders or two files.
        out: the folder for the fused images; made where it does not exist.
        suffix: one of `FORMATS`. 16 bit visible images need png or tif.
        infrared_range: (low, high) counts of 16 bit infrared files that become black and white. By default `scale_raw`
            decides for each image.
        exposure: gain of the infrared images. `EACH_IMAGE` = each image has its own, which the fuser measures;
            `WHOLE_FOLDER` = all have the median of these, so that pictures of one rig or of one video stay alike; a
            number = this gain.

    Returns:
        The written files.

    Raises:
        InputError: `find_pairs` refuses the paths, an image cannot be read, the images of a pair differ in size, the
            gain is not positive, or a file cannot be written. A bad pair of a folder is raised after the other pairs
            have been fused; a file that cannot be written is raised at once. Written files remain.
    """
    if suffix not in FORMATS:
        raise InputError(f"--format={suffix} is not known; expected one of {', '.join(FORMATS)}.")
    pairs = find_pairs(infrared, visible)
    targets = {stem: Path(out) / f"{stem}.{suffix}" for stem in pairs}
    sources = {path.resolve() for pair in pairs.values() for path in pair}
    for target in targets.values():
        if target.resolve() in sources:
            raise InputError(
                f"{target} is an input image and would be overwritten; expected another --out or --format."
            )
    if Path(out).resolve() in {path.parent for path in sources if len(pairs) > 1}:
        # The folder would hold two files of one stem, so its images could not be paired any more.
        raise InputError(f"{out} is a folder of input images; expected another --out.")
    started = time.perf_counter()
    written, bad = 0, []  # a bad pair does not stop the folder: the others are fused, and the end names it
    gain = _gain(fuser, [path for path, _ in pairs.values()], infrared_range, exposure)
    for stem, (ir_path, vis_path) in tqdm(pairs.items(), unit="pair", dynamic_ncols=True):
        try:
            fused = _fuse_pair(fuser, ir_path, vis_path, infrared_range, gain)
            metadata = read_pair_metadata(ir_path, vis_path)
        except InputError as error:
            if len(pairs) == 1:
                raise
            bad.append(str(error))
            continue
        write_image(targets[stem], fused, metadata)
        written += 1
    print(f"Fused {written} pair(s) in {time.perf_counter() - started:.1f} s into {out}", flush=True)
    if bad:
        raise InputError(f"{len(bad)} of {len(pairs)} pairs could not be fused: " + " ".join(bad))
    return list(targets.values())


def _fuse_pair(
    fuser: ImageFuser, ir_path: Path, vis_path: Path, infrared_range: tuple[float, float] | None, gain: float | None
) -> np.ndarray:
    ir, vis = scale_raw(read_image(ir_path), infrared_range), read_image(vis_path)
    if filecmp.cmp(ir_path, vis_path, shallow=False):
        raise InputError(f"{ir_path} and {vis_path} are the same file; expected an infrared and a visible image.")
    try:
        return fuser.fuse(ir, vis, gain)
    except InputError as error:
        raise InputError(f"{ir_path} and {vis_path}: {error}") from error


def _gain(
    fuser: ImageFuser, files: Sequence[Path], infrared_range: tuple[float, float] | None, exposure: str | float
) -> float | None:
    """The gain of all images; None = the fuser measures each of them, or measures none."""
    if exposure == EACH_IMAGE or (exposure == WHOLE_FOLDER and fuser.exposure == 1):
        return None
    if exposure != WHOLE_FOLDER:
        return float(exposure)
    gains = []
    for path in tqdm(files, desc="exposure", unit="image", dynamic_ncols=True):
        try:
            gains.append(fuser.exposure_of(scale_raw(read_image(path), infrared_range)))
        except InputError as error:
            raise InputError(f"{path}: {error}") from error
    gain = float(np.median(gains))
    print(f"Gain of the infrared images: {gain:.2f}, the median of {len(gains)} image(s)", flush=True)
    return gain
