"""Pairs that a table names: infrared,visible[,name] in each line."""

import csv
import os
from pathlib import Path, PurePath

from bilevel_jax.errors import InputError
from bilevel_jax.inference.pairing.find_pairs import FilePairs

_COLUMNS = ["infrared", "visible", "name"]


def read_pair_table(path: str | os.PathLike) -> FilePairs:
    """Reads a CSV file of pairs: infrared file, visible file and, if wanted, the name of the fused file.

    A first line with the names of the columns may be there. Paths are relative to the table's folder. Without a name
    the visible file's stem is the name.

    Raises:
        InputError: the table cannot be read or names no pair, a line has another number of columns, a file is missing,
            a file is paired with itself, or two pairs have one name.
    """
    path = Path(path)
    try:
        with path.open(newline="", encoding="utf-8-sig") as table:
            reader = csv.reader(table)
            lines = [(reader.line_num, [cell.strip() for cell in row]) for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"--pairs={path} cannot be read ({error}); expected a CSV file infrared,visible.") from error
    lines = [(number, row) for number, row in lines if any(row)]
    if lines and [cell.lower() for cell in lines[0][1]] in (_COLUMNS, _COLUMNS[:2]):
        lines = lines[1:]
    if not lines:
        raise InputError(f"--pairs={path} names no pair; expected lines infrared,visible or infrared,visible,name.")
    pairs: FilePairs = {}
    for number, row in lines:
        if len(row) not in (2, 3) or not all(row[:2]):
            raise InputError(f"{path}, line {number}: {','.join(row)} is no pair; expected infrared,visible[,name].")
        files = path.parent / row[0], path.parent / row[1]
        for file in files:
            if not file.is_file():
                raise InputError(f"{path}, line {number}: {file} is no file; expected an image.")
        if files[0].samefile(files[1]):
            raise InputError(f"{path}, line {number}: {files[0]} is paired with itself; expected two images.")
        name = row[2] if len(row) == 3 and row[2] else files[1].stem
        if PurePath(name).is_absolute() or ".." in PurePath(name).parts:
            raise InputError(f"{path}, line {number}: the name {name} leads out of --out; expected a plain name.")
        if name in pairs:
            raise InputError(
                f"{path}, line {number}: the name {name} is given twice; expected a third column with different names."
            )
        pairs[name] = files
    return pairs
