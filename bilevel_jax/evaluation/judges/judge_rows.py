"""Shows every kind of input of a data set to every judge, and keeps what their figures follow from."""

import itertools
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from bilevel_jax.data.day_or_night import Light, light_of
from bilevel_jax.data.sources.source import Source
from bilevel_jax.data.sources.subset import Subset
from bilevel_jax.errors import InputError
from bilevel_jax.evaluation.downstream.train_cells import Input
from bilevel_jax.evaluation.inputs import LATE, InputSource
from bilevel_jax.evaluation.judges.disturbances import Disturbance, DisturbedPictures
from bilevel_jax.evaluation.judges.found import found_file, look_at
from bilevel_jax.evaluation.judges.judge import Judge
from bilevel_jax.images.daylight import mean_level


class JudgedSet(NamedTuple):
    """The pairs of one data set that judges are shown.

    Attributes:
        name: for tables and files.
        split: "val", "test" or "all".
        source: the pairs.
    """

    name: str
    split: str
    source: Source


class Findings(NamedTuple):
    """What the judges found in one data set.

    Attributes:
        about: the data set, of which the labelled pairs alone are kept, in the order of their names.
        light: day or night of each of these pairs.
        evidence: judge -> row -> what the judge's figures follow from.
        after: the disturbances; each input has one more row for each of them (`Disturbance.row`).
    """

    about: JudgedSet
    light: Light
    evidence: Mapping[str, Mapping[str, object]]
    after: tuple[Disturbance, ...] = ()


def find_in_set(
    judges: Sequence[Judge],
    given: JudgedSet,
    inputs: Mapping[str, Input],
    folder: Path | None = None,
    check_stop: Callable[[], None] = lambda: None,
    after: tuple[Disturbance, ...] = (),
) -> Findings:
    """Shows all inputs of a data set to all judges of one task.

    Args:
        judges: of different names.
        given: the data set.
        inputs: row -> kind of input.
        folder: keeps what was found; None keeps nothing.
        check_stop: called after every image; may raise.
        after: disturbances; each input is shown once more after each of them.

    Raises:
        InputError: no pair is labelled, the set has none of the judged classes, an input lacks an image, or two judges
            have one name.
    """
    names = [judge.name for judge in judges]
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"--judge has {names.count(name)} files of the name {name!r}; expected different names.")
    source, first = given.source, judges[0]
    first.check_classes(source.class_names, source.label_names, given.name)
    order = sorted(range(len(source)), key=lambda index: source.names[index])
    # Each pair is read once here.
    read = ((index, source[index]) for index in order)
    labelled = {index: sample for index, sample in read if first.is_labelled(sample, source.names[index])}
    if not labelled:
        raise InputError(f"{given.name} has no pair with labels for {first.task} in {given.split}; expected some.")
    pairs, samples = Subset(source, list(labelled)), list(labelled.values())
    classes = source.class_names if first.task == "detection" else source.label_names
    evidence: dict[str, dict[str, object]] = {judge.name: {} for judge in judges}

    def look(judge: Judge, name: str, pictures: Sequence[np.ndarray], change: Disturbance | None) -> list[np.ndarray]:
        row = change.row(name) if change else name
        shown = DisturbedPictures(pictures, pairs.names, change) if change else pictures
        path = found_file(folder, judge, given.name, row) if folder else None
        return look_at(judge, shown, path, check_stop, f"{judge.name}: {row}")

    for row, kind in inputs.items():
        cameras = CAMERA_ROWS if kind.kind == LATE else {}
        shown = {name: InputSource(pairs, camera, None, check_stop).images for name, camera in cameras.items()}
        shown = shown or {row: InputSource(pairs, kind.kind, kind.fuser, check_stop).images}
        for change, judge in itertools.product((None, *after), judges):
            found, *others = [look(judge, name, pictures, change) for name, pictures in shown.items()]
            if others:
                found = [judge.merged(*both) for both in zip(found, others[0], strict=True)]
            own = change.row(row) if change else row
            evidence[judge.name][own] = judge.evidence(samples, pairs.names, found, classes)
    light = light_of(pairs.groups, pairs.names, (mean_level(sample["vis"]) for sample in samples))
    return Findings(given._replace(source=pairs), light, evidence, after)


CAMERA_ROWS = {"ir": "ir", "vi": "vis"}  # the rows whose findings `late` merges


def judge_rows(
    judges: Sequence[Judge], source: Source, inputs: Mapping[str, Input]
) -> dict[str, dict[str, dict[str, float]]]:
    """Returns judge -> row -> figure -> value in [0, 1] over a whole data set, without intervals.

    Args and errors are those of `find_in_set`.
    """
    found = find_in_set(judges, JudgedSet("pairs", "all", source), inputs)
    once = np.ones((1, len(found.about.source)), np.int64)
    return {
        judge.name: {
            row: {name: float(value[0]) for name, value in judge.figures(evidence, once).items()}
            for row, evidence in found.evidence[judge.name].items()
        }
        for judge in judges
    }
