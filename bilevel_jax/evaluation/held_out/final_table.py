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
from bilevel_jax.evaluation.semantic_trainer import SemanticTrainer, semantic_scores
from bilevel_jax.inference import Fuser
from bilevel_jax.metrics.semantic_figures import shown_figures
from bilevel_jax.report.text_table import format_table, split_title
from bilevel_jax.training.initial_weights import ROWS_START
from bilevel_jax.training.networks import networks_from_config
from bilevel_jax.training.signals import StopRequest

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


def held_out_table(config: ConfigDict, sets: Sets, workdir: Path, stop: StopRequest) -> Table:
    """Trains a fresh semantic network for each kind of input and evaluates all of them on the test pairs.

    All networks start from one initialisation, take the same number of steps, and see the same crops. If the run
    started from the networks of another run, so do these. For `fused` the fusion network is frozen. Each row is written
    to WORKDIR/table.json as soon as it is known, so that a stopped run makes only the missing rows. The table of
    appearance goes to WORKDIR/appearance.json. If the data has no
    test split, the table is about val, and its title says so.

    Args:
        config: a checked configuration.
        sets: the training pairs and the held-out pairs.
        workdir: a run's folder with a checkpoint.
        stop: checked after every step.

    Raises:
        StopSignal: the command was stopped by a signal.
        RunError: the loss of a semantic network became NaN.
    """
    networks = networks_from_config(config, sets.train.class_names, sets.train.label_names)
    trained, state = load_run(workdir)
    fuser = Fuser.from_run(trained, state)
    trainer = SemanticTrainer(config, networks) if networks.semantic is not None and config.rows.steps else None
    start = load_parameters(workdir, ROWS_START) if config.initial.run else None
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
        if trainer is not None:
            training = InputSource(sets.train, kind, fuser, stop.check)
            params = trainer.train(training, f"{kind}: semantic network", stop.check, initial=start)
            save_parameters(workdir, f"row_{kind}", params)
            row |= semantic_scores(config, held_out, trainer.predict(params, held_out))
        rows[kind] = row
        content: TableFile = {"split": split, "pairs": len(source), "made_by": made_by, "rows": rows}
        write_json(path, content)
    appearance = run_appearance(source, split, fuser, stop.check)
    table = Table(split_title(split, len(source)), rows, appearance)
    write_text(Path(workdir) / "table.md", table_text(table, markdown=True) + "\n")
    write_appearance(workdir, appearance)
    return table


def table_text(table: Table, markdown: bool = False) -> str:
    """The title and the rows as text or Markdown: first the nine fusion metrics, then semantic figures in per cent."""
    rows = table.rows
    shown = shown_figures(name for name in next(iter(rows.values())) if name not in MEASURES)
    lines = []
    for kind, row in rows.items():
        cells: dict[str, object] = {"input": kind} | {name: row.get(name, float("nan")) for name in MEASURES}
        lines.append(cells | {f"{name} %": 100 * row.get(name, float("nan")) for name in shown})
    return f"{table.title}:\n\n{format_table(lines, list(lines[0]), markdown=markdown)}"


def printed_text(table: Table) -> str:
    """What a command prints: the table, and the table of appearance below it."""
    return f"{table_text(table)}\n\n{appearance_text(table.appearance)}"


def _rows_made_by(path: Path, made_by: MadeBy) -> Rows:
    if not path.exists():
        return {}
    table: TableFile = json.loads(path.read_text())
    return table["rows"] if table["made_by"] == made_by else {}
