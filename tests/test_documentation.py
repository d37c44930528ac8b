"""What the documents say runs, and the table of methods leaves none out."""

import doctest
import importlib
import pkgutil
import re
from pathlib import Path

import pytest

import bilevel_jax.bilevel
from bilevel_jax.bilevel import ESTIMATORS, WEIGHTINGS

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("document", ["README.md", "docs/core.md"])
def test_the_examples_of_a_document_run(document):
    failed, tried = doctest.testfile(str(ROOT / document), module_relative=False)
    assert tried >= 8 and failed == 0


def test_the_examples_of_docstrings_run():
    names = [info.name for info in pkgutil.walk_packages(bilevel_jax.bilevel.__path__, "bilevel_jax.bilevel.")]
    results = [doctest.testmod(importlib.import_module(name)) for name in names]
    assert sum(result.attempted for result in results) >= 7 and not any(result.failed for result in results)


def test_the_table_of_methods_is_complete():
    rows = re.findall(r"^\| `(\w+)` \|", (ROOT / "docs" / "core.md").read_text(), re.MULTILINE)
    assert sorted(rows) == sorted([*WEIGHTINGS, *ESTIMATORS])
