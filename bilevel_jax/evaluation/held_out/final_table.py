"""The final table of a run: infrared, visible, their average and the fused image, side by side on the test pairs."""

import json
from pathlib import Path
from typing import NamedTuple, TypedDict

from ml_collections import ConfigDict

from bilevel_jax.atomic import write_json, write_text
from bilevel_jax.checkpoints import load_run
from bilevel_jax.checkpoints.parameters import load_parameters, save_parameters
from bilevel_jax.data.sets import Sets
from bilevel_jax.evaluation.appearance.appearance_table import AppearanceTable, appearance_text, write_appearance
from bilevel_jax.evaluation.held_out.run_appearance import run_appearance
from bilevel_jax.evaluation.image_measures import MEASURES, mean_measures, measure_images
from bilevel_jax.evaluation.inputs import KINDS, InputSource
from bilevel_jax.evaluation.semantic_trainer import SemanticTrainer
from bilevel_jax.inference import Fuser
from bilevel_jax.metrics.figure import MAIN_TASK, FigureName, figures_of_task
from bilevel_jax.metrics.semantic_figures import shown_figures
from bilevel_jax.report.text_table import format_table, split_title
from bilevel_jax.training.config import semantic_tasks
from bilevel_jax.training.initial_weights import rows_start
from bilevel_jax.training.networks import Networks
from bilevel_jax.training.signals import StopRequest
from bilevel_jax.training.tasks import SEMANTIC_TASKS

Rows = dict[str, dict[str, float]]  # kind of input -> column -> value


class Table(NamedTuple):
    """The table of a run.

    Attributes:
        title: says which pairs the table is about.
        rows: the figures of each kind of input.
        appearance: what an eye minds in each kind of input.
    """

    title: str
    rows: Rows
    appearance: AppearanceTable


class MadeBy(TypedDict):
    """What rows in table.json were made by; rows of something else are made again."""

    step: int
    config: dict[str, object]


class TableFile(TypedDict):
    """The content of table.json."""

    split: str
    pairs: int
    made_by: MadeBy
    rows: Rows


def held_out_table(config: ConfigDict, networks: Networks, sets: Sets, workdir: Path, stop: StopRequest) -> Table:
    """Trains a fresh network of each semantic task for each kind of input, and evaluates all of them on the test pairs.

    All networks of a task start from one initialisation, take the same number of steps, and see the same crops. If the
    run started from the networks of another run, so do these. The network of a task that the run does not train is
    applied as it is to each kind of input. A task for which these pairs have no labels has no figure in the table. For
    `fused` the fusion network is frozen. Each row is written to
    WORKDIR/table.json as soon as it is known, so that a stopped run makes only the missing rows. The table of
    appearance goes to WORKDIR/appearance.json and appearance.md. If the data has no test split, the tables are about
    val, and their titles say so.

    Args:
        config: a checked configuration.
        networks: the run's.
        sets: the training pairs and the held-out pairs of the run's own data, without those that `data.mix` adds.
        workdir: a run's folder with a checkpoint.
        stop: checked after every step.

    Raises:
        StopSignal: the command was stopped by a signal.
        RunError: the loss of a semantic network became NaN.
    """
    trained, state = load_run(workdir)
    fuser = Fuser.from_run(trained, state)
    blocks = {
        name: block
        for name, block in semantic_tasks(config).items()
        if SEMANTIC_TASKS[block.task].is_measurable(block, sets.train)
    }
    fresh = [name for name, block in blocks.items() if block.trainable and config.rows.steps]
    trainers = {
        name: SemanticTrainer(config, networks, name)
        for name, block in blocks.items()
        if name in fresh or not block.trainable
    }
    starts = {name: load_parameters(workdir, rows_start(name)) if config.initial.run else None for name in fresh}
    split, source = sets.reported()
    made_by: MadeBy = {"step": int(state["step"]), "config": json.loads(config.to_json())}
    path = Path(workdir) / "table.json"
    rows = _rows_made_by(path, made_by)
    for kind in KINDS:
        if kind in rows:
            continue
        stop.check("the rows of the table that are done are kept")
        held_out = InputSource(source, kind, fuser, stop.check)
        row = mean_measures(measure_images(source, held_out))
        training = InputSource(sets.learnt_from(config.rows.learn_from), kind, fuser, stop.check) if fresh else None
        for name, trainer in trainers.items():
            if training is not None and name in fresh:
                title = f"{kind}: {'semantic network' if name == MAIN_TASK else f'network of {name}'}"
                params = trainer.train(training, title, stop.check, initial=starts[name])
                save_parameters(workdir, row_parameters(kind, name), params)
            else:
                params = state["inner_params"][name]
            found = trainer.predict(params, held_out)
            row |= figures_of_task(trainer.kind.scores(held_out, found), name)
        rows[kind] = row
        content: TableFile = {"split": split, "pairs": len(source), "made_by": made_by, "rows": rows}
        write_json(path, content)
    appearance = run_appearance(source, split, fuser, stop.check)
    table = Table(split_title(split, len(source)), rows, appearance)
    write_text(Path(workdir) / "table.md", table_text(table, markdown=True) + "\n")
    write_appearance(workdir, appearance)
    return table


def row_parameters(kind: str, task: str) -> str:
    """Returns the name under WORKDIR/parameters of the network of a task that was trained on a kind of input."""
    return f"row_{kind}" if task == MAIN_TASK else f"row_{kind}_{task}"


def table_text(table: Table, markdown: bool = False) -> str:
    """The title and the rows as text or Markdown: the nine fusion metrics, then semantic figures in per cent.

    The figures of each task other than `semantic` stand in a table of their own below.
    """
    shown = shown_figures(name for name in next(iter(table.rows.values())) if name not in MEASURES)
    parts = []
    for task in dict.fromkeys(("", *(FigureName.parse(name).task for name in shown))):
        own = [name for name in shown if FigureName.parse(name).task == task]
        lines = []
        for kind, row in table.rows.items():
            cells: dict[str, object] = {"input": kind}
            cells |= {} if task else {name: row.get(name, float("nan")) for name in MEASURES}
            lines.append(cells | {f"{name} %": 100 * row.get(name, float("nan")) for name in own})
        parts.append(format_table(lines, list(lines[0]), markdown=markdown))
    return "\n\n".join([f"{table.title}:", *parts])


def printed_text(table: Table) -> str:
    """What a command prints: the table, and the table of appearance below it."""
    return f"{table_text(table)}\n\n{appearance_text(table.appearance)}"


def _rows_made_by(path: Path, made_by: MadeBy) -> Rows:
    if not path.exists():
        return {}
    table: TableFile = json.loads(path.read_text())
    return table["rows"] if table["made_by"] == made_by else {}
