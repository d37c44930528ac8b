"""Which infrared file belongs to which visible file."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path

from bilevel_jax.errors import InputError, first_few
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
    folder_files,
    glob_files,
    is_glob,
    name_in_tree,
    tree_files,
)

FilePairs = dict[str, tuple[Path, Path]]  # the name of the fused file, without suffix: infrared file, visible file
ALPHA = "an infrared image in the alpha channel of a visible one must be saved as a file of its own"


def find_pairs(
    infrared: str | os.PathLike,
    visible: str | os.PathLike,
    *,
    recursive: bool = False,
    without: str | os.PathLike | None = None,
) -> FilePairs:
    """Returns the pairs (infrared file, visible file) of two folders by name, or one pair of two files.

    Names are equal stems. Where stems differ, they are compared without the part that names the camera (x_T and x_V),
    without regard to upper and lower case, and then without leading zeros of numbers. A pair has the name of its
    visible file, without that part.

    Args:
        infrared, visible: two files, two folders, or two patterns such as ir/*_T.JPG. One folder given twice holds the
            files of both cameras.
        recursive: the folders in the folders are searched too. Folders named after a camera do not count as part of a
            file's name.
        without: a folder that is left out of the search in folders.

    Raises:
        InputError: a path does not exist, a folder holds no images, one path is a file and the other a folder, an image
            has no partner, two images have the same name, one image is given twice, the two cameras seem to be
            swapped, or one folder is given twice and its names do not say which camera each image is from.
    """
    paths = Path(infrared), Path(visible)
    for flag, path in zip(("--ir", "--vis"), paths, strict=True):
        if not path.exists() and not is_glob(path):
            raise InputError(f"{flag}={path} does not exist; expected an image or a folder of images.")
    if paths[0].is_file() and paths[1].is_file():
        if paths[0].samefile(paths[1]):
            raise InputError(f"{paths[0]} is given as --ir and as --vis; expected two different images ({ALPHA}).")
        check_not_swapped(*({path.stem: path} for path in paths))
        return {paths[1].stem: paths}
    if paths[0].is_file() or paths[1].is_file():
        raise InputError(f"--ir={paths[0]} and --vis={paths[1]} are a file and a folder; expected two of a kind.")
    if paths[0].is_dir() and paths[1].is_dir() and paths[0].samefile(paths[1]):
        files = _of_one_folder(paths[0], recursive, None if without is None else Path(without))
    else:
        listed = [_listed(path, tables, recursive, without) for path, tables in zip(paths, (True, False), strict=True)]
        files = listed[0], listed[1]
        check_not_swapped(*files)
    return _matched(paths, *files)


def _listed(path: Path, tables: bool, recursive: bool, without: str | os.PathLike | None) -> dict[str, Path]:
    """The images of one camera by name."""
    if is_glob(path):
        return glob_files(path)
    if not recursive:
        return folder_files(path, tables)
    found = tree_files(path, None if without is None else Path(without))
    return by_name((name_in_tree(path, file), file) for file in found)


def _of_one_folder(folder: Path, recursive: bool, without: Path | None) -> tuple[dict[str, Path], dict[str, Path]]:
    """The infrared and the visible images of one folder by name."""
    found = tree_files(folder, without) if recursive else list(folder_files(folder, False).values())
    cameras: dict[str | None, list[tuple[str, Path]]] = {INFRARED: [], VISIBLE: [], None: []}
    for path in found:
        folders = reversed(path.relative_to(folder).parts[:-1])
        said = (camera_of_folder(name) for name in folders)
        camera = camera_of(path.stem) or next((camera for camera in said if camera), None)
        cameras[camera].append((name_in_tree(folder, path), path))
    unknown = cameras[None]
    for camera, other in ((INFRARED, VISIBLE), (VISIBLE, INFRARED)):
        if cameras[other] and not cameras[camera]:
            # One camera's names have a suffix and the other's have none: x.jpg and x_T.jpg.
            cameras[camera], unknown = unknown, []
    if unknown:
        raise InputError(
            f"{folder} is given as --ir and as --vis, and the name {unknown[0][1].relative_to(folder)} does not say "
            "which camera it is from; expected two folders, or names that end in suffixes such as _T and _V, or _IR "
            f"and _VIS ({ALPHA})."
        )
    for camera in (INFRARED, VISIBLE):
        if not cameras[camera]:
            raise InputError(f"{folder} is given as --ir and as --vis, and holds no {camera} image by its names.")
    return by_name(cameras[INFRARED]), by_name(cameras[VISIBLE])


def _matched(paths: tuple[Path, Path], infrared: Mapping[str, Path], visible: Mapping[str, Path]) -> FilePairs:
    """The pairs under the first comparison that gives every file a partner."""
    best: tuple[int, dict[str, str], dict[str, str]] | None = None
    for comparison in COMPARISONS:
        first, second = _keys(infrared, comparison), _keys(visible, comparison)
        if first is None or second is None:
            continue  # two files of one camera would be one under this comparison
        common = first.keys() & second.keys()
        if len(common) == len(first) == len(second):
            pairs = {second[key]: (infrared[first[key]], visible[second[key]]) for key in common}
            own = comparison is COMPARISONS[0]
            return {name if own else _bare_name(name): pairs[name] for name in sorted(pairs)}
        if best is None or len(common) > best[0]:
            best = len(common), first, second
    assert best is not None  # files are listed by name, so the first comparison tells them apart
    keys, files = best[1:], (infrared, visible)
    here = 0 if keys[0].keys() - keys[1].keys() else 1
    alone = sorted(keys[here].keys() - keys[1 - here].keys())
    some = first_few(files[here][keys[here][key]].name for key in alone)
    raise InputError(
        f"{paths[here]} holds {len(alone)} image(s) without a partner ({some}); expected the same names in "
        f"{paths[1 - here]}, or names that differ by the camera's suffix alone, such as _T and _V."
    )


def _keys(files: Mapping[str, Path], comparison: Callable[[str], str]) -> dict[str, str] | None:
    """The files' names by what is compared of them; None where two are equal."""
    keys = {comparison(name): name for name in files}
    return keys if len(keys) == len(files) else None


def _bare_name(name: str) -> str:
    folder, slash, stem = name.rpartition("/")
    return folder + slash + (without_camera(stem) or stem)
