"""The page that adds an estimator: its file and its line are all that the package, the tables and the tests need."""

import json

import pytest


@pytest.fixture(scope="module")
def changed(apply_page):
    return apply_page("add_estimator")


def test_the_example_of_the_page(changed):
    (example,) = changed.page.examples
    # d/dw (w / 2 - 1)^2 at w = 4 is 1, and f_vv = 2 here: the estimate is exact
    assert changed.python(example) == "[1.]\n"


def test_it_is_a_neumann_series_without_terms(changed):
    code = """
import jax, jax.numpy as jnp
from bilevel_jax.bilevel import estimator
inner = lambda w, v, batch: jnp.sum(jnp.cosh(v) - v * jnp.sin(w))
outer = lambda w, v, batch: jnp.sum(v**3 * w)
w, v = jnp.array([0.3, 0.7]), jnp.array([0.5, -0.2])
options = {"t1_t2": dict(curvature=4.0), "neumann": dict(step_size=0.25, iterations=0)}
methods = [estimator(name, outer, inner, **chosen) for name, chosen in options.items()]
a, b = (made.estimate(w, v, None, None, made.init(w, v)).outer_grad for made in methods)
print(bool(jnp.allclose(a, b, rtol=1e-6)), bool(jnp.allclose(a, jax.grad(outer)(w, v, None))))
"""
    assert changed.python(code) == "True False\n"


def test_the_registry_has_the_estimator_with_its_option_and_its_row(changed):
    code = """
import inspect, json
from bilevel_jax.bilevel import ESTIMATORS, options_of
from bilevel_jax.bilevel.tables import estimator_table
option = options_of(ESTIMATORS["t1_t2"])["curvature"]
rows = [line for line in estimator_table().splitlines() if "t1_t2" in line]
print(json.dumps([list(ESTIMATORS), option.default, option.help, rows, inspect.getdoc(ESTIMATORS["t1_t2"])]))
"""
    names, default, help_text, rows, text = json.loads(changed.python(code))
    assert names == sorted(names) and "t1_t2" in names and "one_step" in names
    assert (default, help_text) == (1.0, "the number that stands for the eigenvalues of f_vv, above 0.")
    assert len(rows) == 1 and "[Luketina et al. 2016](https://arxiv.org/abs/1511.06727)" in rows[0]
    assert "sharded_outer: " in text and "context" not in text


def test_the_benchmark_has_a_row(changed):
    *_, command = [line for line in changed.page.commands if "benchmark.py" in line]
    tiny = ["--networks=tiny", "--tasks=2", "--weightings=", "--repeats=1"]
    row = next(line for line in changed.command(*command.split()[1:], *tiny).splitlines() if "t1_t2" in line)
    assert float(row.split("|")[4]) == 3.33  # plain gradients expected


def test_the_tests_of_all_estimators_pass(changed):
    told = changed.pytest("tests/bilevel", "-k", "t1_t2", "-vv")
    cases = [line.split("::")[1].split()[0] for line in told.splitlines() if "PASSED" in line]
    contract = {"test_the_form_of_an_estimate", "test_what_an_estimator_says_it_needs"}
    assert {f"{name}[t1_t2]" for name in contract} <= set(cases)


def test_a_configuration_can_choose_it(changed):
    (command,) = [line for line in changed.page.commands if "train.py" in line]
    flags = [word.removeprefix("--config.") for word in command.split() if word.startswith("--config.")]
    assert flags == ["bilevel.estimator=t1_t2", "bilevel.estimator_options.curvature=2.0"]
    right, wrong = (
        {"bilevel.estimator": "t1_t2", "bilevel.estimator_options.curvature": value} for value in (2.0, -1.0)
    )
    accepted, refused, *help_text = changed.configured(right, wrong)
    assert accepted == "accepted" and "t1_t2 needs curvature > 0, got -1.0" in refused
    help_text = " ".join(" ".join(help_text).split())
    assert "t1_t2: F_w - f_wv F_v / curvature: the implicit hypergradient with f_vv = curvature I." in help_text
    assert "t1_t2 (default 1.0): the number that stands for the eigenvalues of f_vv, above 0" in help_text
