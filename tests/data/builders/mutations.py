"""Makes downloads with one thing wrong, prepares each in a process of its own, prints what came of it as JSON lines.

python tests/data/builders/mutations.py FIRST LAST STEP
"""

import json
import multiprocessing
import shutil
import sys
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
from conftest import HEIGHT, WIDTH, write_download
from damage import choices_for

from bilevel_jax.data.builders import BUILDERS, builder_class
from bilevel_jax.data.builders.prepare import prepare
from bilevel_jax.data.scenes import SceneSource
from bilevel_jax.data.sources.folder import FolderSource
from bilevel_jax.data.sources.prepared import PreparedSource
from bilevel_jax.data.sources.summary import read_summary
from bilevel_jax.errors import InputError, RunError

LAYOUTS = (*BUILDERS, "m3fd_yolo")
SECONDS = 20  # one mutation takes 0.1 to 2 s, the largest images included


def mutate(root, layout, scenes, number):
    """Writes a download with one thing wrong; returns (what it was, what is left to do when files are listed)."""
    rng = np.random.default_rng(number)
    write_download("folder_coco" if layout == "folder" and number % 2 else layout, root, scenes)
    files = sorted(path for path in root.rglob("*") if path.is_file())
    kinds = {path.suffix.lower() for path in files}
    kind = sorted(kinds)[int(rng.integers(len(kinds)))] if number % 3 else None
    path = rng.choice([path for path in files if kind in (None, path.suffix.lower())])
    choices = choices_for(path, root)
    change = choices[int(rng.integers(len(choices)))]
    later = change(path, rng)
    return f"{number}, {layout}: {path.relative_to(root)}, {change.__qualname__}", later if callable(later) else None


def read_directly(root):
    """A folder is trained on without preparation too: there the first bad file is an error."""
    try:
        source = FolderSource(root, "train.txt")
        source.check()
        for index in range(len(source)):
            assert source[index]["ir"].ndim == 3
    except InputError as error:
        assert str(error).endswith((".", ").")), error


def run_one(root, out, layout, later, pipe):
    """In a process of its own, so that a hang or a crash of a decoder is seen as such."""
    try:
        name = layout.split("_")[0]
        if layout == "folder" and later is None:
            read_directly(root)
        if later is not None:
            cls = builder_class(name)
            plain, done = cls.read_images, []

            def read_images(self, pair):
                if not done:
                    done.append(later())
                return plain(self, pair)

            cls.read_images = read_images
        try:
            prepare(name, root, out)
        except (InputError, RunError) as error:
            return pipe.send(("refused", str(error)))
        summary = read_summary(out)
        good = []
        for split in summary["splits"]:
            source = PreparedSource(out, split)
            for index, item in enumerate(source.names):
                record = source[index]
                height, width = record["ir"].shape[:2]
                assert record["ir"].dtype in (np.uint8, np.uint16) and record["vis"].shape == (height, width, 3)
                assert record["labels"].shape == (height, width) and record["saliency"].shape == (height, width, 1)
                boxes = record["boxes"]
                assert np.isfinite(boxes).all() and (boxes[:, :2] < boxes[:, 2:]).all()
                assert (boxes >= 0).all() and (boxes <= [height, width, height, width]).all()
                assert len(record["classes"]) == len(boxes)
                assert record["classes"].size == 0 or record["classes"].max() < len(source.class_names)
                good.append((split, item))
        pipe.send(("made", {"good": good, "rejected": summary["rejected"], "notes": summary["notes"]}))
    except BaseException as error:
        pipe.send(("crashed", f"{type(error).__name__}: {error}"))


def outcome(work, scenes, number):
    layout = LAYOUTS[number % len(LAYOUTS)]
    root = Path(work) / f"d{number}"
    what, later = mutate(root, layout, scenes, number)
    ours, theirs = multiprocessing.get_context("fork").Pipe()
    process = multiprocessing.get_context("fork").Process(
        target=run_one, args=(root, Path(work) / f"o{number}", layout, later, theirs)
    )
    process.start()
    theirs.close()
    start = time.monotonic()
    try:
        kind, found = ours.recv() if ours.poll(SECONDS) else ("hung", f"{time.monotonic() - start:.0f} s")
    except EOFError:
        kind, found = "died", f"exit code {process.exitcode}"
    process.kill()
    process.join()
    shutil.rmtree(root, ignore_errors=True)
    shutil.rmtree(Path(work) / f"o{number}", ignore_errors=True)
    return {"number": number, "what": what, "kind": kind, "found": found}


def main(first, last, step):
    warnings.simplefilter("ignore")
    for name in BUILDERS:
        builder_class(name)  # imported once, not in every process
    scenes = SceneSource(10, seed=5, height=HEIGHT, width=WIDTH)
    with tempfile.TemporaryDirectory() as work:
        for number in range(first, last, step):
            print(json.dumps(outcome(work, scenes, number)), flush=True)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
