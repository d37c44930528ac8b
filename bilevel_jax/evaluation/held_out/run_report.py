"""The report page of one run: table, best and worst images, pictures and curves."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from ml_collections import ConfigDict

from bilevel_jax.data.sources.source import Source
from bilevel_jax.evaluation.inputs import KINDS, input_image
from bilevel_jax.evaluation.report_columns import fusion_column, semantic_column
from bilevel_jax.inference import Fuser
from bilevel_jax.metrics.figure import MAIN_TASK, FigureName
from bilevel_jax.metrics.semantic_figures import shown_figures
from bilevel_jax.report import html
from bilevel_jax.report.class_colors import label_colors
from bilevel_jax.report.metrics_writer import read_metrics
from bilevel_jax.report.picture_sheet import Cell, draw_cell
from bilevel_jax.training.config import semantic_tasks
from bilevel_jax.training.tasks import AnySemanticTask, box_names, task_kind
from bilevel_jax.training.tasks.prediction import Prediction

TITLES = {"ir": "infrared", "vis": "visible", "average": "average", "fused": "fused"}
SHOWN_PICTURES = 16
PREDICTED = "predicted classes"  # the view of a predicted label map
Values = Mapping[str, Mapping[str, np.ndarray]]  # kind of input -> metric -> one value an image
Kinds = Mapping[str, AnySemanticTask]  # task -> its kind


def run_report(
    config: ConfigDict,
    workdir: Path,
    source: Source,
    fuser: Fuser,
    rows: Mapping[str, Mapping[str, float]],
    values: Values,
    predictions: Mapping[str, Sequence[Prediction]],
    *,
    step: int,
    set_name: str,
) -> html.Report:
    """Makes the page of a run.

    Args:
        config: the run's configuration.
        workdir: the run's folder with metrics.jsonl.
        source: the pairs that were evaluated.
        fuser: the run's fusion network.
        rows: the table, kind of input -> column -> figure.
        values: the fusion metrics of single images.
        predictions: task -> what its network finds in each fused image.
        step: the step of the checkpoint.
        set_name: the split and the number of its pairs in words.
    """
    measures = list(next(iter(values.values())))
    semantic = _semantic_columns(rows, measures)
    columns = [fusion_column(name) for name in measures]
    # The metrics of an input itself say little, because it shares all its information with itself: they are not listed.
    fusions = [kind for kind in values if kind not in ("ir", "vis")]
    scores = html.Scores(source.names, columns, {TITLES[kind]: values[kind] for kind in fusions})
    names = html.worth_showing(scores, TITLES["fused"], SHOWN_PICTURES)
    place = {name: index for index, name in enumerate(source.names)}
    labels = html.extreme_labels(scores, TITLES["fused"])
    blocks = semantic_tasks(config)
    kinds = {name: kind for name, block in blocks.items() if (kind := task_kind(block)) is not None}
    box_classes = box_names(blocks.values(), source.class_names)
    shown = [
        _picture(source, place[name], fuser, kinds, predictions, box_classes, ", ".join(labels.get(name, ())))
        for name in dict.fromkeys(names)
    ]
    painted = any(view.startswith(PREDICTED) for picture in shown for view in picture.views)
    return html.Report(
        title=f"{Path(workdir).name}: {set_name}",
        summary=_summary(config, kinds, set_name, step),
        facts=_facts(rows, semantic, len(source.names), step),
        warnings=_warnings(rows, semantic, columns),
        tables=[*_semantic_tables(rows, semantic, kinds, config), _fusion_table(rows, columns, len(source.names))],
        curves=html.curve_panels(read_metrics(Path(workdir) / "metrics.jsonl")),
        pictures=shown,
        shown_views=(TITLES["ir"], TITLES["fused"]),
        colors=_class_colors(source.label_names) if painted else {},
        scores=scores,
        config=config.to_dict(),
        environment=html.environment(),
        command=html.command_line(),
    )


def _semantic_columns(rows: Mapping[str, Mapping[str, float]], measures: Sequence[str]) -> list[str]:
    """Names of the semantic figures that a page shows, the means before the classes."""
    return shown_figures(dict.fromkeys(name for row in rows.values() for name in row if name not in measures))


def _semantic_tables(
    rows: Mapping[str, Mapping[str, float]], columns: Sequence[str], kinds: Kinds, config: ConfigDict
) -> list[html.Table]:
    """A table for each task that has figures."""
    blocks = semantic_tasks(config)
    tables = []
    for name, kind in kinds.items():
        shown = "" if name == MAIN_TASK else name
        own = [column for column in columns if FigureName.parse(column).task == shown]
        if not own:
            continue
        note = (
            "The figure of each row is that of a fresh network, trained on that kind of input alone: all from one "
            f"initialisation, for {config.rows.steps:,} steps."
            if blocks[name].trainable
            else "All rows are figures of one network, which the run does not train."
        )
        tables.append(
            html.Table(
                f"{kind.title} ({shown})" if shown else kind.title,
                [semantic_column(column) for column in own],
                {TITLES[k]: {column: 100 * row.get(column, np.nan) for column in own} for k, row in rows.items()},
                highlighted=[TITLES["fused"]],
                note=note,
                ranked=False,  # the first columns are means of the others, so a mean rank would count them twice
            )
        )
    return tables


def _fusion_table(rows: Mapping[str, Mapping[str, float]], columns: Sequence[html.Metric], count: int) -> html.Table:
    return html.Table(
        "Fusion quality",
        columns,
        {TITLES[kind]: {m.name: row.get(m.name) for m in columns} for kind, row in rows.items()},
        references=[TITLES["ir"], TITLES["vis"]],
        highlighted=[TITLES["fused"]],
        note=f"Means over {count:,} pairs. The two inputs are shown beside the fusions, but not compared with them.",
        ranked=False,
    )


def _facts(rows: Mapping[str, Mapping[str, float]], semantic: Sequence[str], count: int, step: int) -> dict[str, str]:
    facts = {"pairs": f"{count:,}", "training steps": f"{step:,}"}
    fused = rows["fused"]
    firsts = {FigureName.parse(name).task: name for name in semantic[::-1]}  # task -> the first of its figures
    for name in (name for name in semantic if name in firsts.values()):
        facts[f"{name} of fused"] = f"{100 * fused.get(name, np.nan):.1f} %"
    for name in ("SCD", "VIF", "Qabf", "SSIM"):
        if np.isfinite(fused.get(name, np.nan)):
            facts[f"{name} of fused"] = f"{fused[name]:.3f}"
    return facts


def _summary(config: ConfigDict, kinds: Kinds, set_name: str, step: int) -> str:
    named = [kind.name if name in (MAIN_TASK, kind.name) else f"{kind.name} ({name})" for name, kind in kinds.items()]
    tasks = " and ".join(named) or "no semantic task"
    return (
        f"Fusion network {config.fusion.name!r} with {tasks}; weighting {config.bilevel.weighting!r}, "
        f"hypergradient {config.bilevel.estimator!r}; checkpoint of step {step:,}; {set_name}."
    )


def _warnings(
    rows: Mapping[str, Mapping[str, float]], semantic: Sequence[str], columns: Sequence[html.Metric]
) -> list[str]:
    """A sentence that names the figures by which the plain average beats the fused image, if there are any."""
    ahead = []
    for column in [*map(semantic_column, semantic), *columns]:
        average, fused = (rows[kind].get(column.name, np.nan) for kind in ("average", "fused"))
        if average > fused if column.better == "up" else average < fused:
            ahead.append(column.name)
    return [f"The plain average, which needs no training, is better on {', '.join(ahead)}."] if ahead else []


def _picture(
    source: Source,
    index: int,
    fuser: Fuser,
    kinds: Kinds,
    predictions: Mapping[str, Sequence[Prediction]],
    box_classes: Sequence[str],
    caption: str,
) -> html.Picture:
    record = source[index]
    views = {TITLES[kind]: record["ir"] if kind == "ir" else input_image(kind, record, fuser) for kind in KINDS}
    found: list[html.Box] = []
    for name in predictions:
        drawn = kinds[name].drawn(views["fused"], predictions[name][index])
        if drawn.labels is not None:
            views[PREDICTED if name == MAIN_TASK else f"{PREDICTED} ({name})"] = _painted(views["fused"], drawn.labels)
        if drawn.boxes is not None:
            boxes = _boxes(drawn.boxes, drawn.classes, drawn.scores, box_classes)
            by = "" if name == MAIN_TASK else f"{name}: "
            found += [box if not by else replace(box, label=by + box.label) for box in boxes]
    if record["has_labels"]:
        views["true classes"] = _painted(views["fused"], record["labels"])
    true = _boxes(record["boxes"], record["classes"], None, source.class_names) if record["has_boxes"] else ()
    return html.Picture(source.names[index], views, true, found, caption)


def _painted(image: np.ndarray, labels: np.ndarray) -> np.ndarray:
    # The cell is as wide as the image, so that nothing is enlarged.
    return np.asarray(draw_cell(Cell(image, labels=labels), cell_width=image.shape[1]))


def _boxes(
    boxes: np.ndarray, classes: np.ndarray | None, scores: np.ndarray | None, names: Sequence[str]
) -> list[html.Box]:
    """Boxes [N, 4] with the names of their classes [N], and with their scores [N] if they have some."""
    labelled = []
    for i, box in enumerate(boxes):
        number = 0 if classes is None else int(classes[i])
        if number < 0:
            continue
        name = names[number] if number < len(names) else str(number)
        labelled.append(html.Box.from_corners(box, name if scores is None else f"{name} {scores[i]:.2f}"))
    return labelled


def _class_colors(names: Sequence[str]) -> dict[str, str]:
    colors = label_colors(np.arange(len(names))[None])[0]
    # Class 0 (unlabelled) is not painted.
    return {name: "#" + bytes(color).hex() for name, color in list(zip(names, colors, strict=True))[1:]}
