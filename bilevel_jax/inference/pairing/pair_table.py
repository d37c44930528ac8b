"""Pairs that a table names: infrared,visible[,name] in each line."""

import csv
import os
from pathlib import Path, PurePath, PureWindowsPath

from bilevel_jax.errors import InputError
from bilevel_jax.images.files import IMAGE_SUFFIXES, has_alpha
from bilevel_jax.inference.pairing.camera_names import INFRARED, VISIBLE, camera_of_folder
from bilevel_jax.inference.pairing.find_pairs import ALPHA, FilePairs, FoundPairs

_COLUMNS = (INFRARED, VISIBLE, "name")


def read_pair_table(path: str | os.PathLike) -> FoundPairs:
    """Reads a CSV file of pairs: infrared file, visible file and, if wanted, the name of the fused file.

    Commas, semicolons or tabs separate the columns. A first line with the names of the columns may be there, and may
    give the two cameras in the other order. Paths are relative to the table's folder; they may have the slashes of
    Windows. Without a name the visible file's stem is the name.

    Returns:
        The pairs. A line with a file that does not exist is told in `alone`.

    Raises:
        InputError: the table cannot be read or names no pair whose files exist, a line has another number of columns,
            a file without an alpha channel is paired with itself, or two pairs have one name.
    """
    path = Path(path)
    rows = _rows(path)
    if not rows:
        raise InputError(f"--pairs={path} names no pair; expected lines infrared,visible or infrared,visible,name.")
    columns = _columns(rows[0][1])
    rows = rows[1:] if columns else rows
    columns = columns or list(_COLUMNS)
    pairs: FilePairs = {}
    alone = []
    for number, row in rows:
        where = f"{path}, line {number}"
        if len(row) not in (2, 3) or not all(row[:2]):
            raise InputError(f"{where}: {','.join(row)} is no pair; expected infrared,visible[,name].")
        said = dict(zip(columns, row, strict=False))
        files = _file(path.parent, said[INFRARED]), _file(path.parent, said[VISIBLE])
        if lack := next((file for file in files if not file.is_file()), None):
            alone.append(f"{where}: {lack} is no file; expected an image.")
            continue
        if files[0].samefile(files[1]) and not has_alpha(files[0]):
            raise InputError(f"{where}: {files[0]} is paired with itself; expected two images, or {ALPHA}.")
        name = _name(where, said.get("name") or files[1].stem)
        if name in pairs:
            raise InputError(f"{where}: the name {name} is given twice; expected a third column with different names.")
        pairs[name] = files
    if not pairs:
        raise InputError(alone[0] if alone else f"--pairs={path} names no pair; expected lines infrared,visible.")
    return FoundPairs(pairs, tuple(alone))


def _rows(path: Path) -> list[tuple[int, list[str]]]:
    """The lines that are not empty, with their numbers."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as table:
            first = next((line for line in table if line.strip()), "")
            table.seek(0)
            reader = csv.reader(table, delimiter=max(",;\t", key=first.count))
            rows = [(reader.line_num, [cell.strip() for cell in row]) for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"--pairs={path} cannot be read ({error}); expected a CSV file infrared,visible.") from error
    return [(number, row) for number, row in rows if any(row)]


def _columns(row: list[str]) -> list[str]:
    """What the columns are by the first line, [] where that is a pair already."""
    columns = [camera_of_folder(cell) or cell.lower() for cell in row]
    cameras = {INFRARED, VISIBLE}
    return columns if {*columns[:2]} == cameras and not any(PurePath(cell).suffix for cell in row) else []


def _file(folder: Path, cell: str) -> Path:
    path = folder / cell
    return path if path.exists() or "\\" not in cell else folder / PureWindowsPath(cell).as_posix()


def _name(where: str, name: str) -> str:
    """The name of a fused file, without the suffix of an image."""
    if PurePath(name).is_absolute() or ".." in PurePath(name).parts:
        raise InputError(f"{where}: the name {name} leads out of --out; expected a plain name.")
    suffix = PurePath(name).suffix
    return name.removesuffix(suffix) if suffix.lower() in IMAGE_SUFFIXES else name
