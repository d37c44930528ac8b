"""Preparing a data set once: every file is checked, and the result is written whole or not at all, by one process."""

import contextlib
import dataclasses
import hashlib
import io
import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from filelock import FileLock
from tqdm import tqdm

from bilevel_jax.atomic import write_json, write_text
from bilevel_jax.cache_folder import cache_folder
from bilevel_jax.data.builders import builder_class
from bilevel_jax.data.builders.options import Options
from bilevel_jax.data.builders.pair_builder import PairBuilder
from bilevel_jax.data.builders.summarize import summarize
from bilevel_jax.data.sources.summary import INDEX, SUMMARY, SplitNames, read_summary
from bilevel_jax.errors import InputError, RunError


def prepare(
    name: str,
    source: str | Path,
    out: str | Path | None = None,
    options: Options | None = None,
    overwrite: bool = False,
    cache: str | Path | None = None,
    made: Callable[[Path], object] = lambda folder: None,
    check_stop: Callable[[], None] = lambda: None,
) -> Path:
    """Prepares a download as it was unpacked, with a progress bar; does nothing where that has been done.

    The folder holds the examples (TFDS, array_record), `summary.json`, `index.json`, and the names of each split in
    SPLIT.txt.

    Args:
        name: of the data set, in `BUILDERS`.
        source: the unpacked download.
        out: the folder to make; None = a folder in `cache` whose name depends on the files and the options.
        options: see `Options`.
        overwrite: replace an `out` that was prepared from other files or with other options.
        cache: where folders are made; None = `cache_folder()`.
        made: called with the folder, unless it was there already.
        check_stop: called after each pair; may raise, and then nothing is left.

    Returns:
        The folder.

    Raises:
        InputError: the download is not as expected, no pair of a split can be used, or `out` is taken.
        RunError: `out` cannot be written.
    """
    options = options or Options()
    cls = builder_class(name)
    cache = Path(cache or cache_folder())
    fingerprint = _fingerprint(cls(source=source, options=options, data_dir=cache))
    out = Path(out) if out else cache / f"{name}-{fingerprint[:12]}"
    try:
        with _locked(out):
            if _is_made(out, fingerprint, overwrite):
                return out
            partial = out.with_name(f".{out.name}.partial")
            shutil.rmtree(partial, ignore_errors=True)
            try:
                _make(cls, source, partial, options, fingerprint, check_stop)
                if out.exists():
                    shutil.rmtree(out)
                os.rename(partial, out)
            finally:
                shutil.rmtree(partial, ignore_errors=True)
            made(out)
    except OSError as error:
        raise RunError(f"{out} cannot be written: {error.strerror or error}.") from error
    return out


def _make(
    cls: type[PairBuilder],
    source: str | Path,
    folder: Path,
    options: Options,
    fingerprint: str,
    check_stop: Callable[[], None],
) -> None:
    import tensorflow_datasets as tfds

    builder = cls(source=source, options=options, data_dir=folder)
    total = sum(map(len, builder.scan.splits.values()))
    tfds.disable_progress_bar()  # its bars count examples without knowing how many there are
    with tqdm(total=total, desc=f"preparing {cls.title}", unit="pair", dynamic_ncols=True) as bar:

        def progress() -> None:
            bar.update()
            check_stop()

        builder.progress = progress
        config = tfds.download.DownloadConfig(
            try_download_gcs=False, compute_stats=tfds.download.ComputeStatsMode.SKIP, register_checksums=False
        )
        # TFDS prints where it writes, and that is not where the data will be.
        with contextlib.redirect_stdout(io.StringIO()):
            builder.download_and_prepare(download_config=config)
    shutil.rmtree(folder / "downloads", ignore_errors=True)
    index: dict[str, SplitNames] = {}
    for split, pairs in builder.scan.splits.items():
        used = [pair for pair in pairs if (split, pair.name) in builder.facts]
        index[split] = {"names": [pair.name for pair in used], "groups": [pair.group for pair in used]}
        write_text(folder / f"{split}.txt", "".join(f"{pair.name}\n" for pair in used))
    write_json(folder / INDEX, index)
    records = builder.data_path.relative_to(folder)
    write_json(folder / SUMMARY, summarize(builder) | {"records": str(records), "fingerprint": fingerprint})


def _fingerprint(builder: PairBuilder) -> str:
    """Returns a hash that changes with any file that is used (its path, size or time), the splits and the options."""
    parts = [builder.name, str(builder.VERSION), json.dumps(dataclasses.asdict(builder.options))]
    seen: dict[Path, str] = {}

    def state(path: Path) -> str:
        if path not in seen:
            try:
                found = path.stat()
                seen[path] = f"{path} {found.st_size} {found.st_mtime_ns}"
            except OSError:
                seen[path] = f"{path} gone"
        return seen[path]

    for split, pairs in builder.scan.splits.items():
        for pair in pairs:
            files = (pair.infrared, pair.visible, pair.labels, pair.boxes, pair.saliency)
            parts += [f"{split} {pair.name} {pair.group}", *(state(path.absolute()) for path in files if path)]
    parts += [*builder.class_names, *builder.yolo_names, *builder.label_names]
    return hashlib.sha256("\n".join(parts).encode("utf-8", "surrogateescape")).hexdigest()


def _is_made(out: Path, fingerprint: str, overwrite: bool) -> bool:
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return False
    made = (out / SUMMARY).is_file()
    if made and read_summary(out).get("fingerprint") == fingerprint:
        return True
    if not overwrite:
        what = "a data set prepared from other files or with other options" if made else "something else"
        raise InputError(f"{out} holds {what}, expected an empty folder (--overwrite replaces a prepared data set).")
    if not made:
        raise InputError(f"{out} holds something that is no prepared data set, expected an empty folder.")
    return False


@contextlib.contextmanager
def _locked(out: Path) -> Iterator[None]:
    """Lets one process at a time prepare `out`. The operating system frees the lock of a process that was killed."""
    out.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(out.parent / f".{out.name}.lock"):
        yield
