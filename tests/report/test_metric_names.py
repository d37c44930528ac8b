"""Names of metrics: what is composed is what is read."""

import pytest

from bilevel_jax.report import metric_names
from bilevel_jax.report.metric_names import MetricName, parse


@pytest.mark.parametrize(
    ("name", "written", "parts"),
    [
        (metric_names.WARM_START_LOSS, "loss/warm_start", ("loss", "", "warm_start")),
        (metric_names.loss("visual", metric_names.OUTER), "loss/visual/outer", ("loss", "visual", "outer")),
        (metric_names.term("visual", "l1"), "term/visual/l1", ("term", "visual", "l1")),
        (metric_names.of_task(metric_names.RHO, "semantic"), "rho/semantic", ("rho", "semantic", "")),
        (metric_names.of_task(metric_names.WEIGHT, "visual"), "lambda/visual", ("lambda", "visual", "")),
        (metric_names.of_task(metric_names.CORRECTION, "visual"), "correction/visual", ("correction", "visual", "")),
        (
            metric_names.gradient("visual", "norm"),
            "gradient/visual/norm",
            ("gradient", "visual", "norm"),
        ),
        (metric_names.GRADIENT_COSINE, "gradient/cosine", ("gradient", "", "cosine")),
        (
            metric_names.cosine("visual", "yolox"),
            "gradient/cosine/visual+yolox",
            ("gradient", "", "cosine/visual+yolox"),
        ),
        (metric_names.OUTER_UPDATE_NORM, "norm/outer_update", ("norm", "", "outer_update")),
        (metric_names.skipped("inner"), "skipped/inner", ("skipped", "", "inner")),
        (metric_names.NO_TASK, "no_task/outer", ("no_task", "", "outer")),
        (metric_names.validation("VIF"), "validation/VIF", ("validation", "", "VIF")),
        (metric_names.STEP_SECONDS, "time/step_s", ("time", "", "step_s")),
        ("another", "another", ("another", "", "")),
        ("a/b/c/d", "a/b/c/d", ("a", "", "b/c/d")),
    ],
)
def test_a_name_is_composed_and_taken_apart(name, written, parts):
    assert name == written and parse(name) == MetricName(*parts) and str(parse(name)) == name
    assert parse(name).after_quantity == written.partition("/")[2]
