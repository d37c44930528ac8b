"""The command ablation.py: trains the rows of an ablation and prints what each of them is worth."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from absl import flags
from ml_collections import ConfigDict

from bilevel_jax.atomic import write_json, write_text
from bilevel_jax.command_line import define_config_flag, parse_flags, read_seeds
from bilevel_jax.commands.ablation_judges import RowJudges, define_row_judges
from bilevel_jax.commands.downstream_judges import RULE
from bilevel_jax.data.check_crop import check_crop
from bilevel_jax.data.folder_splits import keep_lists
from bilevel_jax.data.mixed_sets import add_mixture, keep_all_lists
from bilevel_jax.data.sets import open_sets
from bilevel_jax.errors import InputError
from bilevel_jax.evaluation.ablation.ablation_rows import (
    ESTIMATORS,
    SHARES,
    Row,
    ablation_rows,
    base_row,
    chosen_rows,
)
from bilevel_jax.evaluation.ablation.ablation_table import ablation_table
from bilevel_jax.evaluation.ablation.ablation_text import ablation_text
from bilevel_jax.evaluation.ablation.train_row import Detector, Result, run_row
from bilevel_jax.evaluation.downstream.chosen_task import only_task, with_one_task
from bilevel_jax.evaluation.downstream.shared_initialisation import read_initial
from bilevel_jax.evaluation.leaderboard.image_scores import ImageScores
from bilevel_jax.evaluation.leaderboard.score_file import read_scores
from bilevel_jax.evaluation.leakage import check_unseen
from bilevel_jax.evaluation.result_settings import check_settings
from bilevel_jax.evaluation.semantic_trainer import SemanticTrainer
from bilevel_jax.inference.pairing import find_pairs
from bilevel_jax.metrics.figure import MAIN_TASK
from bilevel_jax.training.config import check_config, semantic_tasks
from bilevel_jax.training.networks import networks_from_config
from bilevel_jax.training.signals import StopRequest

USAGE = (
    "python experiments/ablation.py --config=FILE.py --out=DIR [--stage=screen|final] [--rows=a,b] [--seeds=0,1,2] "
    "[--estimator=ROW] [--detector=FILE.py] [--data=DIR] [--init=FILE] [--ir=DIR --vis=DIR] [--published=CSV] "
    "[--judge=FILE.onnx[,FILE2.onnx] --data=DIR[,DIR2] --split=val --reference=max] [--appearance=DIR[:SPLIT],...]\n"
    "Trains the configuration with one thing changed in each row, and prints what each change is worth. The same\n"
    "command continues a stopped ablation."
)


def ablation_command(argv: Sequence[str]) -> None:
    """Trains every row at every seed and prints what each is worth on val. The same command continues."""
    values = parse_flags(lambda v: _define(v, argv), argv, USAGE, required=["config", "out"])
    if values.stage == "final" and not values.rows:
        raise InputError(
            "--rows is missing; --stage=final expects the rows that were chosen by --stage=screen, such as "
            "ignore,joint."
        )
    base = check_config(values.config)
    seeds = read_seeds(values.seeds or (["0"] if values.stage == "screen" else ["0", "1", "2"]))
    share = SHARES[values.stage]
    every = ablation_rows(base, values.estimator, share)
    rows = chosen_rows(every, values.rows or [])
    reference = _reference(values, base, every)
    pairs, published = _scored_pairs(values)
    out = Path(values.out) / values.stage
    results: dict[str, dict[int, Result]] = {}
    with StopRequest() as stop:
        judges = RowJudges(values, base, reference, out)
        detector = _detector(values, base, out) if values.detector or not values.judge else None
        if detector is not None:
            check_unseen(base, detector.sets.validation, detector.config, "The network of --config", run=out)
        check_settings(out / "settings.json", {"pairs": pairs}, "rows")
        for seed in seeds:
            own = open_sets(base.data, seed, stop.check, run=out)
            sets = add_mixture(base.data, own, seed, out)
            if sentence := keep_all_lists(sets, out):
                print(sentence, flush=True)
            check_crop(base.data, sets.train)
            for name, row in rows.items():
                result = run_row(row, seed, sets, out, detector, pairs, stop)
                results.setdefault(name, {})[seed] = result
                if result.trained is not None:
                    judges.add(row, seed, stop)
                table = ablation_table(rows, results, published, reference)
                judges.complete(table)
                write_json(out / "ablation.json", table)
                write_text(out / "ablation.md", ablation_text(table, markdown=True) + "\n")
    print(ablation_text(table))
    print(f"\nRuns, images, cells and tables: {out}")


def _define(values: flags.FlagValues, argv: Sequence[str]) -> None:
    define_config_flag(values, argv)
    flags.DEFINE_string("out", None, "folder that receives all rows", flag_values=values)
    text = "screen: a quarter of the steps, seed 0; final: all steps, seeds 0 to 2, for the rows of --rows"
    flags.DEFINE_enum("stage", "screen", list(SHARES), text, flag_values=values)
    flags.DEFINE_list("rows", None, "names of the rows to train (default: all)", flag_values=values)
    text = "seeds of data, initialisation and crops (default: 0, or 0,1,2 for --stage=final)"
    flags.DEFINE_list("seeds", None, text, flag_values=values)
    text = "the row whose estimator the rows of weightings, no_discriminator and no_semantic use"
    flags.DEFINE_enum("estimator", "ignore", list(ESTIMATORS), text, flag_values=values)
    text = "configuration of the detector that is trained on the images of each row: its blocks data, semantic and "
    text += "rows (default: --config)"
    flags.DEFINE_string("detector", None, text, flag_values=values)
    text = "folders of the pairs that the judges of --judge see; without --judge the folder of the detector's pairs "
    text += "(default: as configured)"
    flags.DEFINE_list("data", None, text, flag_values=values)
    text = "parameters that all detectors start from, a file of downstream.py --save"
    flags.DEFINE_string("init", None, text, flag_values=values)
    flags.DEFINE_string("ir", None, "infrared images to fuse and score (default: val)", flag_values=values)
    flags.DEFINE_string("vis", None, "visible images to fuse and score", flag_values=values)
    text = "CSV with other methods' figures for these images, to rank the rows among them (default: the rows are "
    text += "ranked among each other)"
    flags.DEFINE_string("published", None, text, flag_values=values)
    text = (
        "the row whose detector the others are compared with (default: ignore, or the unchanged row without an inner "
    )
    text += f"problem). With --judge: the rule that all rows are compared with (default: {RULE})"
    flags.DEFINE_string("reference", None, text, flag_values=values)
    define_row_judges(values)


def _reference(values: flags.FlagValues, base: ConfigDict, every: Mapping[str, Row]) -> str:
    """The row that the others are compared with: by --base_row with judges, by --reference without."""
    if values.base_row and not values.judge:
        raise InputError("--base_row is for judges; expected it with --judge=FILE.onnx, or --reference=ROW.")
    if not values.judge and len(values.data or []) > 1:
        raise InputError("--data has several folders, which only --judge takes; expected one folder.")
    if values.judge and values.init and not values.detector:
        raise InputError("--init is for the detector, and --judge trains none; expected --detector=FILE.py as well.")
    flag = "base_row" if values.judge else "reference"
    row = values[flag].value or base_row(base, values.estimator if values.judge else "ignore")
    if row not in every:
        raise InputError(f"--{flag}={row} is no row; expected one of {', '.join(every)}.")
    return row


def _scored_pairs(values: flags.FlagValues) -> tuple[tuple[str, str] | None, ImageScores | None]:
    """The folders of infrared and visible images (None = val), and the published figures."""
    if bool(values.ir) != bool(values.vis):
        raise InputError(f"--{'vis' if values.ir else 'ir'} is missing; expected both folders of images, or none.")
    if not values.ir:
        if values.published:
            raise InputError("--ir and --vis are missing; expected the images that --published has figures for.")
        return None, None
    pairs = str(Path(values.ir).resolve()), str(Path(values.vis).resolve())
    names = list(find_pairs(*pairs))
    return pairs, read_scores(values.published, names) if values.published else None


def _detector(values: flags.FlagValues, base: ConfigDict, out: Path) -> Detector:
    config = ConfigDict((_load(values.detector) if values.detector else base).to_dict())
    if values.data:
        config.data.name, config.data.root = "folder", values.data[0]
    trained = [name for name, block in semantic_tasks(config).items() if block.trainable]
    if not trained:
        raise InputError(f"--detector={values.detector} has no semantic task that is trained; expected a task.")
    config = check_config(with_one_task(config, MAIN_TASK if MAIN_TASK in trained else trained[0]))
    lists = out if config.data.root == base.data.root else out / "detector"
    sets = open_sets(config.data, config.seed, run=lists)
    if sentence := keep_lists(sets.held_out, lists):
        print(sentence, flush=True)
    networks = networks_from_config(config, sets.train.class_names, sets.train.label_names)
    initial = read_initial(values.init, config, sets, networks) if values.init else None
    return Detector(config, sets, initial, SemanticTrainer(config, networks, only_task(config)))


def _load(path: str) -> ConfigDict:
    values, argv = flags.FlagValues(), ["ablation.py", f"--config={path}"]
    define_config_flag(values, argv)
    values(argv)
    return values.config
