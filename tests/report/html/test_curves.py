"""Which figures of a run share a chart, and what the charts say of them."""

from bilevel_jax.report import html


def test_curves_find_their_panels_and_count_conflicts():
    records = [{"step": 1, "phase": "warm_start", "loss/warm_start": 1.0}]
    records += [{"step": s, "phase": "bilevel", "gradient/cosine": c} for s, c in ((2, -0.5), (3, 0.5), (4, None))]
    panels = {panel.title: panel for panel in html.curve_panels(records)}
    assert list(panels) == ["Warm start", "Gradient conflict"]
    assert "50 % of the 2" in panels["Gradient conflict"].note and panels["Gradient conflict"].low == -1


def test_every_pair_of_many_tasks_has_a_line_of_the_conflicts_and_every_task_one_of_its_own_quantities():
    pairs = {"visual+semantic": -0.5, "visual+yolox": -0.1, "semantic+yolox": 0.5}
    record = {"step": 2, "phase": "bilevel"} | {f"gradient/cosine/{pair}": value for pair, value in pairs.items()}
    for task in ("visual", "semantic", "yolox"):
        record |= {f"lambda/{task}": 1 / 3, f"loss/{task}/outer": 1.0, f"gradient/{task}/outer_norm": 2.0}
    panels = {panel.title: panel for panel in html.curve_panels([record])}
    assert list(panels["Gradient conflict"].lines) == list(pairs)
    assert "67 % of the 3 logged cosines" in panels["Gradient conflict"].note
    for title in ("Task weights λ", "Outer losses", "Hypergradients: outer norm"):
        assert list(panels[title].lines) == ["visual", "semantic", "yolox"]
