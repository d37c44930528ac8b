"""Curves of a run."""

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from bilevel_jax.errors import InputError
from bilevel_jax.report.curve_plot import _curves, plot_curves
from bilevel_jax.report.metrics_writer import MetricsWriter


def test_names_choose_the_panel_and_null_is_a_gap():
    records = [
        {"step": 1, "phase": "warm_start", "loss/visual": 1.0, "time/step_s": 2, "images/s": 3.0},
        {"step": 4, "loss/semantic": None, "loss/visual": 0.5},
    ]
    curves = _curves(records)
    assert list(curves) == ["loss", "time/step_s", "images/s"]
    assert curves["loss"]["visual"] == ([1, 4], [1.0, 0.5])
    assert curves["loss"]["semantic"][0] == [4] and np.isnan(curves["loss"]["semantic"][1])


def test_the_picture_changes_with_the_run(tmp_path):
    pictures = []
    for number in range(2):
        with MetricsWriter(tmp_path / str(number)) as writer:
            for step in range(1, 301):
                value = float("nan") if step == 150 else (step if number else 301 - step)
                writer.write(step, {"loss/visual": value, "rho/visual": 1.0, "lambda/visual": 0.5})
        out = tmp_path / str(number) / "curves.png"
        plot_curves(tmp_path / str(number) / "metrics.jsonl", out)
        pictures.append(np.asarray(Image.open(out).convert("L")).astype(int))
    different = pictures[0] != pictures[1]
    width = different.shape[1]
    assert different[:, : width // 3].any()  # the losses' panel ...
    assert not different[:, width // 3 + 10 :].any()  # ... and no other


def test_no_legend_covers_a_curve_and_curves_of_many_tasks_differ(tmp_path, monkeypatch):
    tasks = [f"task_{i}" for i in range(13)]
    with MetricsWriter(tmp_path) as writer:
        for step in range(1, 4):
            writer.write(step, {f"loss/{task}/outer": float(i) for i, task in enumerate(tasks)})
    figures = []
    save = Figure.savefig
    monkeypatch.setattr(Figure, "savefig", lambda self, *a, **k: (figures.append(self), save(self, *a, **k)))
    plot_curves(tmp_path / "metrics.jsonl", tmp_path / "curves.png")
    (axes,) = figures[0].axes
    legend, place = axes.get_legend(), axes.get_window_extent()
    assert len(legend.get_texts()) == 13 and legend.get_window_extent().x0 >= place.x1 - 1
    assert legend.get_window_extent().x1 <= figures[0].bbox.x1
    assert len({(line.get_color(), line.get_linestyle()) for line in axes.get_lines()}) == 13


def test_nothing_to_draw(tmp_path):
    with pytest.raises(InputError, match="nothing to draw"):
        plot_curves(tmp_path / "metrics.jsonl", tmp_path / "curves.png")
    assert not (tmp_path / "curves.png").exists()
