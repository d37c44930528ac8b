"""A page for each weighting and each estimator, made of the registries."""

import importlib
import re
from pathlib import Path

import pytest

from bilevel_jax.bilevel import ESTIMATORS, WEIGHTINGS, options_of

ROOT = Path(__file__).parents[2]


@pytest.fixture
def pages(tmp_path, monkeypatch):
    """The folder that the pages have been written to, beside a page of a former method."""
    monkeypatch.syspath_prepend(str(ROOT / "docs" / "_ext"))
    (tmp_path / "weightings").mkdir()
    (tmp_path / "weightings" / "former.md").write_text("gone")
    importlib.import_module("method_pages").write_method_pages(tmp_path)
    return tmp_path


def test_every_method_has_a_page_with_its_options_and_when_to_choose_it(pages):
    for kind, registry in (("weightings", WEIGHTINGS), ("estimators", ESTIMATORS)):
        assert {path.stem for path in (pages / kind).glob("*.md")} == set(registry)
        for name, factory in registry.items():
            text = (pages / kind / f"{name}.md").read_text()
            assert text.startswith(f"# {name}\n")
            choice = re.search(r"## When to choose it\n\n(.+)\n", text)
            assert choice and len(choice[1]) > 20, name
            listed = re.findall(r"^\| `(\w+)` \| (?:`.+?`|required) \| .{10,}", text, re.MULTILINE)
            assert listed == [option for option in options_of(factory) if option in listed]
            plain = {option for option, about in options_of(factory).items() if about.plain}
            assert plain <= set(listed), name


def test_what_a_page_says(pages):
    famo = (pages / "weightings" / "famo.md").read_text()
    assert "| needs | current losses |" in famo and "| backward passes | one for all tasks" in famo
    assert "[Liu et al. 2023, alg. 1](https://arxiv.org/abs/2306.03792)" in famo
    assert "| `step_size` | `0.025` | rate of Adam on xi, above 0." in famo and "Differs from the paper:" in famo
    assert famo.count("rate of Adam on xi") == 1  # the options stand in the table alone
    assert "## References\n\nLiu et al., FAMO" in famo and "**Args**" not in famo and "**References**" not in famo
    assert "--config.bilevel.weighting=famo" in famo
    assert "| `weights` | required | K numbers" in (pages / "weightings" / "fixed.md").read_text()
    assert "One of `'min'`, `'median'`, `'rmse'`" in (pages / "weightings" / "aligned_mtl.md").read_text()
    assert 'estimator("one_step", outer_loss, inner_loss)' in (pages / "estimators" / "one_step.md").read_text()


def test_the_site_shows_them():
    text = (ROOT / "docs" / "methods.md").read_text()
    assert "generated/weightings/*" in text and "generated/estimators/*" in text
    assert "\nmethods\n" in (ROOT / "docs" / "index.md").read_text()
