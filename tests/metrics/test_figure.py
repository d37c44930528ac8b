"""Names of semantic figures: composed, parsed, shown."""

import numpy as np
import pytest

from bilevel_jax.metrics import coco_ap, detection, scores, segmentation
from bilevel_jax.metrics.figure import FigureName, figures_of_task
from bilevel_jax.metrics.semantic_figures import SEMANTIC_FIGURES, description, is_semantic, shown_figures
from bilevel_jax.metrics.tables import figures_table


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("AP50", ("AP50", "", "", "")),
        ("IoU/car", ("IoU", "car", "", "")),
        ("day:mIoU_all", ("mIoU_all", "", "day", "")),
        ("night:AP50/person", ("AP50", "person", "night", "")),
        ("IoU/traffic: cone/barrier", ("IoU", "traffic: cone/barrier", "", "")),
        ("night:IoU/a/b:c.d", ("IoU", "a/b:c.d", "night", "")),
        ("yolox.AP50", ("AP50", "", "", "yolox")),
        ("day:yolox.AP50/e.g. a car", ("AP50", "e.g. a car", "day", "yolox")),
    ],
)
def test_a_name_is_parsed_into_what_it_was_composed_of(text, parts):
    assert FigureName.parse(text) == parts and str(FigureName(*parts)) == text


def _computed():
    found = {"boxes": np.array([[0, 0, 4, 4]]), "classes": np.array([0])}
    detected = coco_ap([found], [found | {"scores": np.ones(1)}], ["car"], [(8, 8)])
    return {"detection": detected, "segmentation": scores(np.eye(2), ["background", "car"])}


def test_every_computed_figure_is_registered_and_every_registered_one_computed():
    computed = _computed()
    for room in (detection, segmentation):
        own = computed[room.__name__.split(".")[-1]]
        assert room.MAIN_FIGURE in own
        names = {(parts.figure, bool(parts.of_class)) for parts in map(FigureName.parse, own)}
        assert names == {(f.name, False) for f in room.FIGURES if f.overall} | {
            (f.name, True) for f in room.FIGURES if f.per_class
        }
        assert all(is_semantic(name) and description(name) for name in own)
    assert all(f"| {figure.description} |" in figures_table() for figure in SEMANTIC_FIGURES.values())


def test_what_tables_show():
    computed = _computed()
    assert shown_figures(computed["detection"]) == ["AP", "AP50", "AP75", "AP50_voc", "AP50/car"]
    means = ["mIoU_occurring", "mIoU_all", "mIoU_foreground"]
    assert shown_figures(computed["segmentation"]) == [*means, "IoU/background", "IoU/car"]
    assert description("AP50/car") == "COCO's average precision at IoU 0.50 of the class car"
    assert not is_semantic("rho/visual") and not is_semantic("ms a step") and description("rho/visual") == ""


def test_figures_of_several_tasks_stand_task_by_task_under_their_names():
    computed = _computed()
    assert figures_of_task(computed["detection"], "semantic") == computed["detection"]
    segmenter = figures_of_task(computed["segmentation"], "segmenter")
    assert segmenter["segmenter.IoU/car"] == computed["segmentation"]["IoU/car"]
    assert shown_figures({**computed["detection"], **segmenter}) == [
        *shown_figures(computed["detection"]),
        *(f"segmenter.{name}" for name in shown_figures(computed["segmentation"])),
    ]
    assert all(is_semantic(name) and description(name).endswith(" of the task segmenter") for name in segmenter)
