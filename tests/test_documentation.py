"""What the documents say runs."""

import doctest
import importlib
import pkgutil
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import bilevel_jax.bilevel

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("document", ["README.md", "docs/core.md"])
def test_the_examples_of_a_document_run(document):
    failed, tried = doctest.testfile(str(ROOT / document), module_relative=False)
    assert tried >= 8 and failed == 0


def test_the_four_lines_that_fuse_a_pair_run(tmp_path, monkeypatch):
    code = re.search(r"```python\n(from.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)[1]
    levels = np.random.default_rng(0).integers(0, 256, (64, 64, 4), dtype=np.uint8)
    monkeypatch.chdir(tmp_path)
    Image.fromarray(levels[..., 0]).save("ir.png")
    Image.fromarray(levels[..., 1:]).save("vis.png")
    exec(code, {})
    with Image.open("fused.png") as fused:
        assert fused.size == (64, 64) and fused.mode == "RGB"


def test_the_examples_of_docstrings_run():
    names = [info.name for info in pkgutil.walk_packages(bilevel_jax.bilevel.__path__, "bilevel_jax.bilevel.")]
    results = [doctest.testmod(importlib.import_module(name)) for name in names]
    assert sum(result.attempted for result in results) >= 7 and not any(result.failed for result in results)


def test_the_page_of_the_core_has_the_tables_of_both_registries():
    text = (ROOT / "docs" / "core.md").read_text()
    assert all(f"```{{include}} generated/{name}.md" in text for name in ("weightings", "estimators"))
