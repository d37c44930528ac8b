"""Measures alignments of pairs that were warped at random, into a file that a later run continues."""

import json
import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypedDict

import numpy as np
from jaxtyping import Float32

from bilevel_jax.atomic import write_text
from bilevel_jax.benchmarks.alignment import mutual_information
from bilevel_jax.benchmarks.alignment.random_warps import random_transform, warped
from bilevel_jax.inference.pairing import find_pairs
from bilevel_jax.inference.read_pair import read_pair
from bilevel_jax.registration import KINDS, Transform, align, corner_distance, plain_shift
from bilevel_jax.registration.edges import grey

MUTUAL_INFORMATION = "mutual information"
METHODS = (*KINDS, MUTUAL_INFORMATION)

Grey = Float32[np.ndarray, "h w"]
Place = tuple[str, str, str, int]  # set, name, method and seed


class Measured(TypedDict):
    """One alignment, as a line of the file holds it.

    Keys:
        set, name, method, seed: what was aligned, how, and the seed of its warp.
        size: (height, width) of the visible image.
        before, after: distance of the frames, and of the estimate, from the known transform, as
            `registration.corner_distance`, in pixels.
        repeated: distance of the estimate from the known transform after the estimate of the pair without a warp. It
            leaves out how far the set's own alignment is from what the method sees in it.
        trust: of the estimate; None where the method says none.
        seconds: of one core.
        shift: what `plain_shift` reports of the pair without a warp, (x, y) or None.
    """

    set: str
    name: str
    method: str
    seed: int
    size: tuple[int, int]
    before: float
    after: float
    repeated: float
    trust: float | None
    seconds: float
    shift: tuple[float, float] | None


def measure(
    data: str | os.PathLike,
    sets: Sequence[str],
    methods: Sequence[str],
    count: int,
    out: str | os.PathLike,
    warps: int = 1,
) -> list[Measured]:
    """Measures what the file lacks, and returns all that is asked for.

    Args:
        data: folder with one folder a set, each with `ir` and `vi`.
        sets: names of the sets.
        methods: of `METHODS`; a kind of transform is measured on warps of this kind.
        count: pairs of a set, evenly spaced; fewer where a set has fewer.
        out: a line of JSON for each alignment.
        warps: warps of each pair. The seeds are the pair's place among those of its set, plus 1000 for each warp more.

    Raises:
        InputError: a file cannot be read or written.
    """
    out = Path(out)
    known = [json.loads(line) for line in out.read_text().splitlines()] if out.exists() else []
    rows: dict[Place, Measured] = {(row["set"], row["name"], row["method"], row["seed"]): row for row in known}
    asked: list[Place] = []
    for folder in sets:
        for number, name, paths in _pairs(Path(data) / folder, count):
            for seed in range(number, number + 1000 * warps, 1000):
                places = [(folder, name, method, seed) for method in methods]
                asked += places
                for place in (place for place in places if place not in rows):
                    rows[place] = _measured(place, paths)
                    write_text(out, "".join(json.dumps(row) + "\n" for row in rows.values()))
    return [rows[place] for place in asked]


def _pairs(root: Path, count: int) -> Iterator[tuple[int, str, tuple[Path, Path]]]:
    """The place of each pair among those of its set, its name and its files."""
    pairs = list(find_pairs(root / "ir", root / "vi").items())
    for number in np.unique(np.linspace(0, len(pairs) - 1, count).astype(int)):
        name, paths = pairs[number]
        yield int(number), name, paths


def _measured(place: Place, paths: tuple[Path, Path]) -> Measured:
    folder, name, method, seed = place
    pair = read_pair(*paths)
    infrared, visible = grey(pair.infrared), grey(pair.visible)
    kind = "similarity" if method == MUTUAL_INFORMATION else method
    known = random_transform(kind, visible.shape, seed)
    moved = warped(infrared, known)
    started = time.process_time()
    estimate, trust = _estimated(method, moved, visible)
    seconds = time.process_time() - started
    frames = Transform(kind, np.eye(3), visible.shape, visible.shape)
    unwarped, _ = _estimated(method, infrared, visible)
    both = Transform(kind, known.matrix @ unwarped.matrix, visible.shape, visible.shape)
    before, after = corner_distance(known, frames), corner_distance(known, estimate)
    repeated = corner_distance(both, estimate)
    shift = plain_shift(infrared, visible)
    return Measured(
        set=folder, name=name, method=method, seed=seed, size=visible.shape, before=before, after=after,
        repeated=repeated, trust=trust, seconds=seconds, shift=shift,
    )  # fmt: skip


def _estimated(method: str, infrared: Grey, visible: Grey) -> tuple[Transform, float | None]:
    if method == MUTUAL_INFORMATION:
        return mutual_information.similarity(infrared, visible), None
    estimate = align(infrared, visible, method)
    return estimate.transform, estimate.trust
