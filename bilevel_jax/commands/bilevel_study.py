"""The command bilevel_study.py: on which problems a correction for the second level helps, row by row."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from absl import flags

from bilevel_jax.atomic import write_text
from bilevel_jax.command_line import parse_flags, read_seeds, refuse_twice
from bilevel_jax.data.sets import open_other
from bilevel_jax.errors import InputError
from bilevel_jax.evaluation.bilevel_study.convnet_stage import ConvnetStage
from bilevel_jax.evaluation.bilevel_study.convnet_survey import starts_table, survey_starts
from bilevel_jax.evaluation.bilevel_study.gain_curves import AXES, draw_gain_curves, gain_curve_table, read_gains
from bilevel_jax.evaluation.bilevel_study.pair_cells import PairCells, load_pair_cells
from bilevel_jax.evaluation.bilevel_study.pair_pictures import write_pair_pictures
from bilevel_jax.evaluation.bilevel_study.ridge_stage import RidgeStage
from bilevel_jax.evaluation.bilevel_study.rule_descent import CLIP
from bilevel_jax.evaluation.bilevel_study.scene_cells import load_cells
from bilevel_jax.evaluation.bilevel_study.scene_pictures import scene_pictures
from bilevel_jax.evaluation.bilevel_study.study_cells import RATES, Cell, Setting, StudyCells
from bilevel_jax.evaluation.bilevel_study.study_draws import Unit
from bilevel_jax.evaluation.bilevel_study.study_problems import PROBLEMS
from bilevel_jax.evaluation.bilevel_study.study_rows import chosen_rows
from bilevel_jax.evaluation.bilevel_study.study_table import study_table
from bilevel_jax.evaluation.bilevel_study.survey import Surveyed, draw_survey, survey, survey_table
from bilevel_jax.evaluation.result_settings import check_settings
from bilevel_jax.training.config import default_config
from bilevel_jax.training.signals import StopRequest

USAGE = (
    f"python experiments/bilevel_study.py --problem={'|'.join(PROBLEMS)} --out=DIR [--stage=ridge|convnet] "
    "[--data=DIR] [--rows=a,b] [--seeds=0,1,2] [--labels=20,50,200] [--gap=0.5] [--ridge=0.1] [--equal=steps|passes]\n"
    "Trains a small fusion rule by each row's hypergradient on the built-in scenes or on real pairs, and compares the\n"
    "rows by what fresh heads learn from the fused pictures. The same command continues a stopped study."
)
STAGES = {"ridge": "a ridge-regularised linear head", "convnet": "a small network, T steps from a new start"}
SURVEYED_GAPS, SURVEYED_RIDGES = (0.0, 0.25, 0.5, 0.75, 1.0), (0.003, 0.03, 0.3)
PICTURES = 1500  # scenes of --stage=convnet at most, because its pictures are kept in memory
LOGGED = 3  # seeds whose corrections are measured in full


def bilevel_study_command(argv: Sequence[str]) -> None:
    """Trains every row at every seed, and prints the table of each number of labels.

    Raises:
        InputError: a flag is wrong, the folder holds cells of other settings, or a cell is damaged.
        StopSignal: the command was stopped by a signal; finished cells are kept.
    """
    values = parse_flags(_define, argv, USAGE, required=["problem", "out"])
    rows = chosen_rows(values.rows or [])
    problem = PROBLEMS[values.problem]
    seeds = read_seeds(values.seeds or [str(seed) for seed in range(problem.seeds)])
    labels, rates = _labels(values), _rates(values)
    out = Path(values.out)
    if values.gains:
        return _gains(values, list(rows), out)
    _check(values)
    with StopRequest() as stop:
        pairs = _pairs(values, stop.check) if problem.of_pairs else None
        stage = _stage(values) if pairs is None else RidgeStage(pairs.cells, values.inner_steps)
        if values.survey:
            return _survey(values, stage, labels, seeds)
        for number in labels:
            setting = Setting(
                values.problem, number, values.outer, _gap(values), values.ridge, values.outer_steps, values.equal,
                rates,
            )  # fmt: skip
            folder = out / f"labels-{number}"
            settings = {**setting._asdict(), "scenes": values.data or values.scenes, "rates": list(rates)}
            if rates == RATES:  # a folder of before --rates has no such key
                del settings["rates"]
            if (values.stage, values.inner_steps) != ("ridge", 20):
                settings |= {"stage": values.stage, "inner_steps": values.inner_steps}
            if values.stage == "convnet":  # folders of before had steps of any length, and are refused
                settings["clip"] = CLIP
            check_settings(folder / "settings.json", settings, "cells")
            cells = StudyCells(stage, setting, folder, stop.check)
            found: dict[str, list[Cell]] = {}
            for row in rows:
                found[row] = [cells.cell(row, seed, place < LOGGED) for place, seed in enumerate(seeds)]
                write_text(folder / "table.md", study_table(found, problem.unit))
            if values.pictures and pairs is not None:
                _write_pictures(found, cells, pairs, problem.unit, stop.check)
            print(f"{values.problem}, {number} labelled scenes:\n\n{study_table(found, problem.unit)}", flush=True)
    print(f"Cells and tables: {out}")


def _define(values: flags.FlagValues) -> None:
    text = "inner problem: " + "; ".join(f"{name}: {about}" for name, about in STAGES.items())
    flags.DEFINE_enum("stage", "ridge", list(STAGES), text, flag_values=values)
    text = "; ".join(f"{name}: {problem.about}" for name, problem in PROBLEMS.items())
    flags.DEFINE_enum("problem", None, list(PROBLEMS), text, flag_values=values)
    flags.DEFINE_string("out", None, "folder that receives all cells", flag_values=values)
    flags.DEFINE_list("rows", None, "names of the rows to train (default: all)", flag_values=values)
    text = "seeds of the scenes (default: " + "; ".join(f"{n}: 0 to {p.seeds - 1}" for n, p in PROBLEMS.items()) + ")"
    flags.DEFINE_list("seeds", None, text, flag_values=values)
    of_pairs = ", ".join(name for name, problem in PROBLEMS.items() if problem.of_pairs)
    text = f"folder of pairs with boxes by day and by night, or a prepared data set, for {of_pairs}"
    flags.DEFINE_string("data", None, text, flag_values=values)
    text = f"write the tested pairs, fused with each row's rules, to OUT/labels-N/pictures/ROW, for {of_pairs}"
    flags.DEFINE_bool("pictures", False, text, flag_values=values)
    text = "numbers of labelled inner scenes (default: the problem's own)"
    flags.DEFINE_list("labels", None, text, flag_values=values)
    text = "share of the outer scenes that are by night, for day_to_night"
    flags.DEFINE_float("gap", 0.5, text, 0, 1, flag_values=values)
    text = "strength of the ridge term, or the step size of the inner descent of --stage=convnet (default: the best "
    text += "one for the fusion loss's rule)"
    flags.DEFINE_float("ridge", None, text, 0, flag_values=values)
    text = "measure the exact correction at the start alone, and train nothing: for several gaps and ridge strengths, "
    text += "or with --stage=convnet for several inner step sizes and starts of the network"
    flags.DEFINE_bool("survey", False, text, flag_values=values)
    text = "folders labels-N of finished studies that differ in one setting: draw the gains over the first of --rows "
    text += f"against it ({', '.join(AXES)}), and train nothing"
    flags.DEFINE_list("gains", [], text, flag_values=values)
    flags.DEFINE_integer("inner_steps", 20, "T, number of inner steps", 1, flag_values=values)
    flags.DEFINE_integer("outer", 1000, "number of outer scenes", 1, flag_values=values)
    flags.DEFINE_integer("outer_steps", 30, "number of outer steps", 1, flag_values=values)
    text = "what all rows have equally many of: outer steps, or backward passes"
    flags.DEFINE_enum("equal", "steps", ["steps", "passes"], text, flag_values=values)
    text = "step sizes of the fusion rule, among which every row chooses on a seed of its own"
    flags.DEFINE_list("rates", [f"{rate:g}" for rate in RATES], text, flag_values=values)
    flags.DEFINE_integer("scenes", 6000, "number of built-in scenes that are drawn from", 1, flag_values=values)


def _gains(values: flags.FlagValues, rows: list[str], out: Path) -> None:
    """Draws the gains of finished studies over the setting in which they differ."""
    if not values.rows or len(rows) < 2:
        raise InputError("--gains compares rows with the first of --rows; expected at least two, such as ignore,exact.")
    found = read_gains(values.gains, rows, PROBLEMS[values.problem].unit)
    out.mkdir(parents=True, exist_ok=True)
    draw_gain_curves(found, rows[0], out / "gains.png")
    write_text(out / "gains.md", gain_curve_table(found))
    print(f"{gain_curve_table(found)}\nFigure: {out / 'gains.png'}")


def _survey(values: flags.FlagValues, stage: RidgeStage | ConvnetStage, labels: list[int], seeds: list[int]) -> None:
    """Prints the exact correction at the start of a training, for a ladder of the inner problem's own constant.

    The ridge stage has a ladder of gaps too, the network a number of starts.
    """
    if not isinstance(stage, RidgeStage):
        for number in labels:
            text = starts_table(survey_starts(stage, values.problem, number, _gap(values), seeds, values.outer))
            write_text(Path(values.out) / f"survey-{values.problem}-{number}.md", text)
            print(f"{values.problem}, {number} labelled scenes, T = {values.inner_steps}:\n\n{text}", flush=True)
        return
    gaps = SURVEYED_GAPS if values.problem == "day_to_night" else (1.0 if PROBLEMS[values.problem].of_pairs else 0.0,)
    found: list[Surveyed] = []
    for number in labels:
        found += (own := survey(stage, values.problem, number, gaps, SURVEYED_RIDGES, seeds, values.outer))
        if len(gaps) > 1:
            draw_survey(own, Path(values.out) / f"survey-{number}.png")
        write_text(Path(values.out) / f"survey-{values.problem}.md", survey_table(found))
    print(survey_table(found))


def _gap(values: flags.FlagValues) -> float:
    return values.gap if values.problem == "day_to_night" else 0.0


def _stage(values: flags.FlagValues) -> RidgeStage | ConvnetStage:
    cells = load_cells(values.scenes)
    if values.stage == "ridge":
        return RidgeStage(cells, values.inner_steps)
    return ConvnetStage(scene_pictures(cells, min(values.scenes, PICTURES)), values.inner_steps)


def _pairs(values: flags.FlagValues, stop: Callable[[], None]) -> PairCells:
    """The pairs of --data."""
    config = default_config().data
    return load_pair_cells(open_other(config, values.data), f"--data={values.data}", stop)


def _write_pictures(
    found: Mapping[str, Sequence[Cell]],
    cells: StudyCells,
    pairs: PairCells,
    unit: Unit,
    stop: Callable[[], None],
) -> None:
    """Fuses the test pairs of each fold with the rules of its first seed, row by row."""
    for row, its in found.items():
        unbroken = [c for c in sorted(its, key=lambda c: -c["seed"]) if c["scores"]]
        for cell in {unit(c["seed"]): c for c in unbroken}.values():
            if "rule" not in cell:
                raise InputError(f"{cells.folder} holds cells without their rules; delete them to make them again.")
            for chosen in cells.draw(cell["seed"]).tests.values():
                stop()
                write_pair_pictures(cells.folder / "pictures" / row, cell["rule"], pairs, chosen)


def _labels(values: flags.FlagValues) -> list[int]:
    given = values.labels or [str(number) for number in PROBLEMS[values.problem].labels]
    refuse_twice("labels", given)
    if not all(text.isdigit() and int(text) for text in given):
        raise InputError(f"--labels={','.join(given)}; expected whole numbers from 1 on, such as 20,50,200.")
    return [int(text) for text in given]


def _rates(values: flags.FlagValues) -> tuple[float, ...]:
    refuse_twice("rates", values.rates)
    try:
        rates = tuple(float(text) for text in values.rates)
    except ValueError:
        rates = ()
    if not rates or not all(0 < rate < float("inf") for rate in rates):
        raise InputError(f"--rates={','.join(values.rates)}; expected numbers above 0, such as 0.03,0.1,0.3.")
    return rates


def _check(values: flags.FlagValues) -> None:
    if PROBLEMS[values.problem].of_pairs:
        if values.data is None:
            raise InputError(f"--problem={values.problem} needs real pairs; expected --data=DIR.")
        if values.stage != "ridge" or values["scenes"].present:
            raise InputError(f"--problem={values.problem} has no --scenes and --stage=ridge alone; expected neither.")
    elif values.data is not None or values.pictures:
        raise InputError(f"--problem={values.problem} is on built-in scenes; expected no --data and no --pictures.")
    if values["gap"].present and values.problem != "day_to_night":
        raise InputError(f"--gap is for day_to_night; expected it without --problem={values.problem}.")
    if values.ridge == 0:
        raise InputError("--ridge=0 leaves the head without a unique solution; expected a number above 0.")
