"""The page docs/how_to/add_dataset.md: one file and one line, and the data set is everywhere."""

import pytest


@pytest.fixture(scope="module")
def changed(apply_page):
    return apply_page("add_dataset")


def test_the_page_from_the_download_to_the_sets_of_a_run(changed):
    write, open_sets = changed.page.examples
    prepare, browse, _ = changed.page.commands
    changed.python(write)
    said = changed.command(*prepare.split()[1:])
    assert "train: 8 pairs (64 x 48)" in said and "0 rejected. Train on it with --config.data.name=harbour" in said
    opened = changed.python(open_sets)
    assert opened == "7 1 2 ('boat', 'person')\n" and f"# {opened}" in open_sets
    assert "10 of 10 pairs are shown in harbour.html" in changed.command(*browse.split()[1:])
    assert (changed.folder / "harbour.html").read_text().count("<img") == 10 * 3


def test_the_configuration_the_help_texts_and_the_table_have_it(changed):
    code = """
from bilevel_jax.commands.prepare import USAGE
from bilevel_jax.data.builders import data_set_help, data_set_table
from bilevel_jax.training.config import CHOICES, check_config, default_config
from bilevel_jax.training.config.help import config_help

config = default_config()
config.data.name, config.data.root = "harbour", "Harbour"
check_config(config)
print("harbour" in CHOICES["data.name"])
print(USAGE, data_set_help(), data_set_table(), sep="\\n")
print(" ".join(config_help(config).split()))
"""
    said = changed.python(code)
    assert said.startswith("True\n")
    assert " harbour: pairs of a harbour by day, with boxes of boats and people" in said.splitlines()[-1]
    assert said.count("  harbour: pairs of a harbour by day, with boxes of boats and people\n") == 2
    assert "| `harbour` | Harbour | pairs of a harbour by day, with boxes of boats and people | `thermal/" in said


def test_the_tests_of_all_data_sets_try_it(changed):
    *_, tests = changed.page.commands
    said = changed.pytest(*tests.split()[1:], "-vv")
    names = ("test_what_is_read_is_what_was_written", "test_a_builder_says_what_it_is")
    assert all(f"{name}[harbour] PASSED" in said for name in names)
    assert "test_a_folder_of_something_else_is_refused_with_the_layout[harbour] PASSED" in said
