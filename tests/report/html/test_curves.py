"""Which figures of a run share a chart, and what the charts say of them."""

from bilevel_jax.report import html


def test_curves_find_their_panels_and_count_conflicts():
    records = [{"step": 1, "phase": "warm_start", "loss/warm_start": 1.0}]
    records += [{"step": s, "phase": "bilevel", "gradient/cosine": c} for s, c in ((2, -0.5), (3, 0.5), (4, None))]
    panels = {panel.title: panel for panel in html.curve_panels(records)}
    assert list(panels) == ["Warm start", "Gradient conflict"]
    assert "50 % of the 2" in panels["Gradient conflict"].note and panels["Gradient conflict"].low == -1
