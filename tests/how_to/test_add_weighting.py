"""The page that adds a weighting: its file and its line are all that the package, the tables and the tests need."""

import json

import pytest


@pytest.fixture(scope="module")
def changed(apply_page):
    return apply_page("add_weighting")


def test_the_example_of_the_page(changed):
    (example,) = changed.page.examples
    assert changed.python(example) == "[0.5 0.5]\n"


def test_the_registry_has_the_weighting_with_its_option_and_its_row(changed):
    code = """
import json
from bilevel_jax.bilevel import WEIGHTINGS, options_of
from bilevel_jax.bilevel.tables import weighting_table
option = options_of(WEIGHTINGS["norm_power"])["c"]
rows = [line for line in weighting_table().splitlines() if "norm_power" in line]
print(json.dumps([list(WEIGHTINGS), option.default, option.help, rows]))
"""
    names, default, help_text, rows = json.loads(changed.python(code))
    assert names == sorted(names) and "norm_power" in names and "mgda" in names
    assert (default, help_text) == (0.5, "exponent, from 0 (the mean) to 1 (`unit_norm`).")
    assert len(rows) == 1 and "| gramian | symmetric | this page |" in rows[0]


def test_the_benchmark_has_a_row(changed):
    *_, command = [line for line in changed.page.commands if "benchmark.py" in line]
    tiny = ["--networks=tiny", "--tasks=2", "--estimators=", "--repeats=1"]
    assert "| norm_power | gramian " in changed.command(*command.split()[1:], *tiny)


def test_the_tests_of_all_weightings_pass(changed):
    told = changed.pytest("tests/bilevel", "-k", "norm_power", "-vv")
    cases = [line.split("::")[1].split()[0] for line in told.splitlines() if "PASSED" in line]
    contract = {"test_many_problems_at_once", "test_never_a_nan", "test_what_the_file_of_a_method_says"}
    assert {f"{name}[norm_power]" for name in contract} <= set(cases)


def test_a_configuration_can_choose_it(changed):
    (command,) = [line for line in changed.page.commands if "train.py" in line]
    flags = [word.removeprefix("--config.") for word in command.split() if word.startswith("--config.")]
    assert flags == ["bilevel.weighting=norm_power", "bilevel.weighting_options.c=0.3"]
    right, wrong = ({"bilevel.weighting": "norm_power", "bilevel.weighting_options.c": value} for value in (0.3, 3.0))
    accepted, refused, *help_text = changed.configured(right, wrong)
    assert accepted == "accepted" and "norm_power needs 0 <= c <= 1, got 3.0" in refused
    help_text = " ".join(" ".join(help_text).split())
    assert "norm_power: The mean of the task gradients, each divided by the power c of its length." in help_text
    assert "norm_power (default 0.5): exponent, from 0 (the mean) to 1 (`unit_norm`)" in help_text
