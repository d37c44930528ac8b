"""The page docs/how_to/add_metric.md: one file and one line, and the measure is everywhere."""

import numpy as np
import pytest

from bilevel_jax.images.files import write_image


@pytest.fixture(scope="module")
def changed(apply_page):
    return apply_page("add_metric")


def test_the_example_runs(changed):
    (example,) = changed.page.examples
    assert "# 2.0" in example and changed.python(example) == "2.0\n"


def test_its_own_test_passes_and_the_tests_of_all_measures_try_it(changed):
    files = [f"tests/metrics/fusion/test_{name}.py" for name in ("registry", "undefined")]
    own = str(changed.folder / "tests/metrics/fusion/test_qmi.py")
    chosen = "QMI or qmi or (paper and (ignore_the_sources or nothing or constant))"
    said = changed.pytest(*files, own, "-k", chosen, "-vv")
    assert said.count("PASSED") == 7 and "says_what_it_is[paper-QMI]" in said and "[paper-constant images]" in said


def test_a_checkpoint_can_be_chosen_by_it(changed):
    assert changed.configured({"validate_every": 10, "keep_best": "QMI"})[0] == "accepted"


def test_the_leaderboard_has_its_column_and_its_reason_and_the_documents_its_row(changed, tmp_path):
    rng = np.random.default_rng(0)
    for name, low in (("day", 0), ("night", 100)):
        for folder in ("ir", "vi", "fused"):
            levels = rng.integers(low, 101, (44, 53, 1)).astype(np.uint8)
            write_image(tmp_path / folder / f"{name}.png", levels)
    evaluate, table = changed.page.commands
    said = changed.command(*evaluate.replace("DIR", str(tmp_path)).split()[1:])
    assert said.splitlines()[2].split()[:2] == ["method", "EN"] and "QMI" in said.splitlines()[2].split()
    assert "QMI is undefined for night" in said and "the fused image and the infrared image are constant" in said
    assert "| QMI | mutual information with each source" in changed.command(*table.split()[1:])
