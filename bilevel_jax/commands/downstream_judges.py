"""downstream.py --judge: what detectors or segmenters that nobody here trained find in each kind of input."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from absl import flags
from ml_collections import ConfigDict

from bilevel_jax.atomic import write_json, write_text
from bilevel_jax.commands.downstream_inputs import LoadedRun, check_weights, lists_of_run, named_inputs
from bilevel_jax.data.sets import open_other, open_sets
from bilevel_jax.errors import InputError
from bilevel_jax.evaluation.downstream.train_cells import Input
from bilevel_jax.evaluation.inputs import LATE
from bilevel_jax.evaluation.judges.agreement import AgreementMaps, mutual_agreement
from bilevel_jax.evaluation.judges.detection_judge import DetectionJudge
from bilevel_jax.evaluation.judges.disturbances import SEPARATOR, disturbances_help, parse_disturbances
from bilevel_jax.evaluation.judges.judge import Judge
from bilevel_jax.evaluation.judges.judge_rows import JudgedSet, find_in_set
from bilevel_jax.evaluation.judges.judgement_report import judgement_report
from bilevel_jax.evaluation.judges.judgement_text import judgement_json, judgement_text
from bilevel_jax.evaluation.judges.registry import MAKES
from bilevel_jax.evaluation.judges.relative_table import judgement
from bilevel_jax.evaluation.judges.segmentation_judge import LEVELS, NO_BOXES, SegmentationJudge
from bilevel_jax.evaluation.judges.segmented_classes import CONVENTIONS
from bilevel_jax.evaluation.leakage import check_unseen
from bilevel_jax.report.html import write_report
from bilevel_jax.training.signals import StopRequest

RULE = "max"  # the rule that was named beforehand
TRAINED_ONLY = ("matched", "save", "init", "steps", "seeds")
SEGMENTERS_ONLY = ("agreement", "ceiling", "judge_classes", "judge_levels")
JUDGES_ONLY = (*SEGMENTERS_ONLY, "after", "by_light")


def define_judge_flags(values: flags.FlagValues) -> None:
    """Adds --judge and the flags that only it reads."""
    text = f"ONNX files of detectors ({', '.join(MAKES)}) or segmenters that look at each input; nothing is trained. "
    text += (
        "--data then takes several folders, --task is detection by default, and --reference is a rule that is named "
    )
    text += "beforehand (default: max)"
    flags.DEFINE_list("judge", [], text, flag_values=values)
    text = "classes that the segmenters of --judge tell apart (default: cityscapes)"
    flags.DEFINE_enum("judge_classes", "cityscapes", list(CONVENTIONS), text, flag_values=values)
    text = "input of the segmenters of --judge: standardised as for ImageNet, in [0, 1] (unit), or in 0 ... 255 (byte)"
    flags.DEFINE_enum("judge_levels", "imagenet", list(LEVELS), text, flag_values=values)
    text = "folder of label maps that published segmenters agree on, which take the place of labels/ for --judge"
    flags.DEFINE_string("agreement", None, text, flag_values=values)
    text = "folders with the label maps of each of these segmenters: their mutual IoU is the ceiling of --agreement"
    flags.DEFINE_list("ceiling", [], text, flag_values=values)
    text = (
        "disturbances of the finished pictures, such as jpeg75,blur0.7,shift1: --judge also looks at each input after "
    )
    text += f"each of them, and a table says what remains of the gain over --reference ({disturbances_help()})"
    flags.DEFINE_list("after", [], text, flag_values=values)
    text = "with --judge, also print the differences of each class by day and by night, for each judge and set"
    flags.DEFINE_bool("by_light", False, text, flag_values=values)


def check_without_judges(values: flags.FlagValues) -> None:
    """Raises InputError where a flag is given that only judges read."""
    for flag in JUDGES_ONLY:
        if _is_given(values, flag):
            raise InputError(f"--{flag} is for judges; expected it with --judge=FILE.onnx.")


def judge_inputs(
    values: flags.FlagValues, run: LoadedRun | None, configured: Callable[[str | None], ConfigDict]
) -> None:
    """Shows all inputs to all judges, and prints what each finds, with intervals. The same command continues.

    Args:
        values: the flags of downstream.py.
        run: the run of --workdir.
        configured: returns the configuration for one folder of --data; None = as configured.
    """
    for flag in TRAINED_ONLY:
        if _is_given(values, flag):
            raise InputError(f"--{flag} is for networks that are trained; expected it without --judge.")
    if values.task is None:
        values["task"].value = "detection"
    data: list[str | None] = [*values.data.split(",")] if values.data else [None]
    configs = [configured(own) for own in data]
    out = Path(values.out or Path("runs") / "judges" / values.task)
    after = parse_disturbances(values.after)
    judges, agreement = _judges(values)
    inputs = named_inputs(values.inputs, run, judged=True)
    for name in inputs:
        if after and SEPARATOR in name:
            raise InputError(
                f"--inputs has {name!r}; with --after expected names without {SEPARATOR}, such as NAME=FOLDER."
            )
    if values.task == "segmentation" and any(given.kind == LATE for given in inputs.values()):
        raise InputError(NO_BOXES)
    rule = values.reference or RULE
    if rule not in inputs:
        asked = f"--reference={rule}" if values.reference else f"--reference is {rule} by default, which"
        raise InputError(f"{asked} is none of the inputs; expected one of {', '.join(inputs)}.")
    sets: list[JudgedSet] = []
    notes: list[str] = []
    for config in configs:
        judged = open_judged_set(config, values.split, lists_of_run(config.data, run))
        if any(judged.name == other.name for other in sets):
            raise InputError(f"--data has two folders of the name {judged.name!r}; expected different names.")
        if run is not None and any("workdir" in given.origin for given in inputs.values()):
            check_unseen(run.config, judged.source, config, run=Path(run.workdir))
        notes += [f"{judged.name}: {note}" for note in check_weights(inputs, judged.split, judged.source, config)]
        sets.append(judged)
    # The maps are compared before any judge looks, so that a wrong folder is named at once.
    notes = _about_agreement(values, agreement, [name for own in sets for name in own.source.names]) + notes
    with StopRequest() as stop:
        findings = [
            find_in_set(judges, own, inputs, out, lambda: stop.check("what the judges found is kept"), after)
            for own in sets
        ]
    found = judgement(judges, findings, [rule, *(name for name in _ours(inputs) if name != rule)])
    write_json(out / "comparison.json", {**judgement_json(found), "notes": notes})
    write_text(out / "comparison.md", "\n\n".join([*notes, judgement_text(found, True, values.by_light)]) + "\n")
    print("\n\n".join([*notes, judgement_text(found, by_light=values.by_light)]))
    print(f"\nTables: {out}")
    if values.report is not None:
        page = judgement_report(found, [own.about.source for own in findings], inputs, configs[0].to_dict(), notes)
        write_report(Path(values.report) / "index.html", page)
        print(f"Report: {Path(values.report) / 'index.html'}")


def _ours(inputs: Mapping[str, Input]) -> list[str]:
    """The row that is compared as `ours`: that of --workdir, or else the first of the package's weights."""
    return [name for key in ("workdir", "weights") for name, given in inputs.items() if key in given.origin][:1]


def _judges(values: flags.FlagValues) -> tuple[list[Judge], AgreementMaps | None]:
    if values.task not in ("detection", "segmentation"):
        raise InputError(f"--task={values.task} has no judges; expected detection or segmentation.")
    if values.task == "detection":
        for flag in SEGMENTERS_ONLY:
            if _is_given(values, flag):
                raise InputError(f"--{flag} is for segmenters; expected it with --task=segmentation.")
        return [DetectionJudge(path) for path in values.judge], None
    if values.ceiling and not values.agreement:
        raise InputError("--ceiling comes without --agreement; expected the folder of the maps that they agree on.")
    agreement = AgreementMaps(Path(values.agreement)) if values.agreement else None
    judges: list[Judge] = [
        SegmentationJudge(path, values.judge_classes, values.judge_levels, agreement) for path in values.judge
    ]
    return judges, agreement


def _is_given(values: flags.FlagValues, flag: str) -> bool:
    return bool(values[flag].present and values[flag].value)


def open_judged_set(config: ConfigDict, split: str | None, lists: Path | None = None) -> JudgedSet:
    """The pairs of one data set that are judged.

    Args:
        config: its `data` names the set.
        split: "val", "test", "all", or None for the split that tables are about.
        lists: the folder of a run that may keep lists of this data set; None = none.

    Raises:
        InputError: the set cannot be read, or has no such split.
    """
    data = config.data
    name = data.name if data.name != "folder" else Path(data.root).resolve().name
    if split == "all":
        if data.name == "scenes":
            raise InputError("--split=all is for folders of pairs; expected val or test for the built-in scenes.")
        return JudgedSet(name, split, open_other(data, data.root))
    sets = open_sets(data, config.seed, run=lists)
    return JudgedSet(name, *sets.reported(split))


def _about_agreement(values: flags.FlagValues, agreement: AgreementMaps | None, names: Sequence[str]) -> list[str]:
    """What a reader must know of --agreement: that no labels are compared with, and the ceiling.

    `names` are those of all pairs; the pairs with a map are compared.
    """
    if agreement is None:
        return []
    notes = [
        f"Agreement with published segmenters, person, car and bike alone: the label maps of {agreement.folder.name} "
        "are predictions and no labels."
    ]
    if values.ceiling:
        segmenters = [AgreementMaps(Path(own)) for own in values.ceiling]
        ceiling = mutual_agreement(agreement, segmenters, [name for name in names if name in agreement])
        figures = ", ".join(
            f"{name} -" if np.isnan(value) else f"{name} {100 * value:.1f}" for name, value in ceiling.items()
        )
        notes.append(f"Mutual agreement of the {len(values.ceiling)} segmenters, the ceiling, per cent: {figures}.")
    else:
        notes.append("No ceiling: it needs the maps of the single segmenters (--ceiling).")
    return notes
