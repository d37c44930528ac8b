"""Which infrared file belongs to which visible file."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from bilevel_jax.errors import InputError, first_few
from bilevel_jax.images.files import has_alpha
from bilevel_jax.images.thermal import TABLE_SUFFIXES
from bilevel_jax.inference.pairing.camera_names import (
    COMPARISONS,
    INFRARED,
    VISIBLE,
    camera_of,
    camera_of_folder,
    check_not_swapped,
    without_camera,
)
from bilevel_jax.inference.pairing.image_lists import (
    by_name,
    glob_files,
    image_files,
    is_glob,
    list_files,
    name_in_tree,
)

FilePairs = dict[str, tuple[Path, Path]]  # the name of the fused file, without suffix: infrared file, visible file
ALPHA = "one image with the infrared image in its alpha channel"


class FoundPairs(NamedTuple):
    """The pairs that a search has found, and what it has left over.

    Fields:
        pairs: at least one.
        alone: sentences on the files without a partner.
    """

    pairs: FilePairs
    alone: tuple[str, ...] = ()


def find_pairs(
    infrared: str | os.PathLike,
    visible: str | os.PathLike,
    *,
    recursive: bool = False,
    without: str | os.PathLike | None = None,
) -> FilePairs:
    """Returns the pairs that `search_pairs` finds, and refuses files without a partner, or with both images in one.

    Args:
        infrared, visible, recursive, without: as `search_pairs` takes them.

    Raises:
        InputError: as `search_pairs`, a file has no partner, or holds the infrared image in its alpha channel.
    """
    found = search_pairs(infrared, visible, recursive=recursive, without=without)
    if found.alone:
        raise InputError(found.alone[0])
    for ir, vis in found.pairs.values():
        if ir.resolve() == vis.resolve():
            raise InputError(f"{ir} is given as infrared and as visible; expected two files for two images.")
    return found.pairs


def search_pairs(
    infrared: str | os.PathLike,
    visible: str | os.PathLike,
    *,
    recursive: bool = False,
    without: str | os.PathLike | None = None,
) -> FoundPairs:
    """Finds the pairs (infrared file, visible file) of two folders by name, or one pair of two files.

    Names are equal stems. Where stems differ, they are compared without the part that names the camera (x_T and x_V),
    without regard to upper and lower case, then without leading zeros of numbers, and then without what stands between
    words and numbers. A pair has the name of its visible file, without the part that names the camera.

    Args:
        infrared, visible: two files, two folders, or two patterns such as ir/*_T.JPG. One folder given twice holds the
            files of both cameras, or images with an infrared image in the alpha channel. Such an image may be given
            twice too.
        recursive: the folders in the folders are searched too. What they say of the camera does not count as part of a
            file's name.
        without: a folder that is left out of the search in folders.

    Raises:
        InputError: a path does not exist, a folder holds no images, one path is a file and the other a folder, no image
            has a partner, two images have the same name, one image without an alpha channel is given twice, the two
            cameras seem to be swapped, or one folder is given twice and its names do not say which camera an image is
            from.
    """
    paths = Path(infrared), Path(visible)
    left_out = None if without is None else Path(without)
    for flag, path in zip(("--ir", "--vis"), paths, strict=True):
        if not path.exists() and not is_glob(path):
            raise InputError(f"{flag}={path} does not exist; expected an image or a folder of images.")
    if paths[0].is_file() and paths[1].is_file():
        if paths[0].samefile(paths[1]) and not has_alpha(paths[0]):
            raise InputError(f"{paths[0]} is given as --ir and as --vis; expected two different images, or {ALPHA}.")
        check_not_swapped(*({path.stem: path} for path in paths))
        return FoundPairs({paths[1].stem: paths})
    if paths[0].is_file() or paths[1].is_file():
        raise InputError(f"--ir={paths[0]} and --vis={paths[1]} are a file and a folder; expected two of a kind.")
    if paths[0].is_dir() and paths[1].is_dir() and paths[0].samefile(paths[1]):
        return _of_one_folder(paths[0], recursive, left_out)
    files = [_listed(path, tables, recursive, left_out) for path, tables in zip(paths, (True, False), strict=True)]
    check_not_swapped(*files)
    return _matched(paths, files[0], files[1])


def _listed(path: Path, tables: bool, recursive: bool, without: Path | None) -> dict[str, Path]:
    """The images of one camera by name."""
    if is_glob(path):
        return glob_files(path, tables)
    return by_name((name_in_tree(path, file), file) for file in image_files(path, recursive, without, tables))


def _of_one_folder(folder: Path, recursive: bool, without: Path | None) -> FoundPairs:
    """The pairs of one folder that is given for both cameras."""
    images = image_files(folder, recursive, without)
    cameras: dict[str | None, list[Path]] = {INFRARED: [], VISIBLE: [], None: []}
    for path in images:
        cameras[_camera(folder, path)].append(path)
    has_picture = {path.with_suffix("") for path in images}
    for table in list_files(folder, recursive, without, TABLE_SUFFIXES):
        if _camera(folder, table) == INFRARED and table.with_suffix("") not in has_picture:
            cameras[INFRARED].append(table)
    unknown = cameras[None]
    if not cameras[INFRARED] and not cameras[VISIBLE] and has_alpha(images[0]):
        return FoundPairs({name: (path, path) for name, path in _named(folder, images).items()})
    for camera, other in ((INFRARED, VISIBLE), (VISIBLE, INFRARED)):
        if cameras[other] and not cameras[camera]:
            # One camera's names have a suffix and the other's have none: x.jpg and x_T.jpg.
            cameras[camera], unknown = unknown, []
    unclear = f"{folder} is given as --ir and as --vis, and {{}} not say which camera it is from; expected {{}}."
    names = "names that end in suffixes such as _T and _V, or _IR and _VIS"
    if unknown and not cameras[INFRARED]:
        first = f"the name {unknown[0].relative_to(folder)} does"
        raise InputError(unclear.format(first, f"two folders, {names}, or {ALPHA}"))
    for camera in (INFRARED, VISIBLE):
        if not cameras[camera]:
            raise InputError(f"{folder} is given as --ir and as --vis, and holds no {camera} image by its names.")
    found = _matched((folder, folder), _named(folder, cameras[INFRARED]), _named(folder, cameras[VISIBLE]))
    if unknown:
        some = first_few(str(path.relative_to(folder)) for path in unknown)
        first = f"the name {some} does" if len(unknown) == 1 else f"{len(unknown)} names ({some}) do"
        pattern = "a choice of files such as --ir='DIR/*_T.JPG' --vis='DIR/*_V.JPG'"
        return found._replace(alone=(unclear.format(first, f"{names}, or {pattern}"), *found.alone))
    return found


def _camera(folder: Path, path: Path) -> str | None:
    """The camera that a file's own name, or the nearest folder that names one, says."""
    said = (camera_of_folder(name) for name in reversed(path.relative_to(folder).parts[:-1]))
    return camera_of(path.stem) or next((camera for camera in said if camera), None)


def _named(folder: Path, paths: list[Path]) -> dict[str, Path]:
    return by_name((name_in_tree(folder, path), path) for path in paths)


def _matched(paths: tuple[Path, Path], infrared: Mapping[str, Path], visible: Mapping[str, Path]) -> FoundPairs:
    """The pairs under the first comparison that gives every file a partner, or else the most files."""
    best: tuple[int, Callable[[str], str], dict[str, str], dict[str, str]] | None = None
    for comparison in COMPARISONS:
        first, second = _keys(infrared, comparison), _keys(visible, comparison)
        if first is None or second is None:
            continue  # two files of one camera would be one under this comparison
        count = len(first.keys() & second.keys())
        if best is None or count > best[0]:
            best = count, comparison, first, second
        if count == len(first) == len(second):
            break
    assert best is not None  # files are listed by name, so the first comparison tells them apart
    _, comparison, *keys = best
    common = keys[0].keys() & keys[1].keys()
    alone = tuple(
        _on_those_alone(paths, here, [files[keys[here][key]] for key in sorted(keys[here].keys() - common)])
        for here, files in enumerate((infrared, visible))
        if keys[here].keys() - common
    )
    if not common:
        raise InputError(alone[0])
    pairs = {keys[1][key]: (infrared[keys[0][key]], visible[keys[1][key]]) for key in common}
    own = comparison is COMPARISONS[0]
    return FoundPairs({name if own else _bare_name(name): pairs[name] for name in sorted(pairs)}, alone)


def _on_those_alone(paths: tuple[Path, Path], here: int, files: list[Path]) -> str:
    same = "" if paths[0] == paths[1] else f"the same names in {paths[1 - here]}, or "
    return (
        f"{paths[here]} holds {len(files)} image(s) without a partner ({first_few(file.name for file in files)}); "
        f"expected {same}names that differ by the camera's suffix alone, such as _T and _V."
    )


def _keys(files: Mapping[str, Path], comparison: Callable[[str], str]) -> dict[str, str] | None:
    """The files' names by what is compared of them; None where two are equal."""
    keys = {comparison(name): name for name in files}
    return keys if len(keys) == len(files) else None


def _bare_name(name: str) -> str:
    folder, slash, stem = name.rpartition("/")
    return folder + slash + (without_camera(stem) or stem)
