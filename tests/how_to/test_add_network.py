"""The page docs/how_to/add_network.md: one file and one line, and the network can be chosen, trained and tested."""

import pytest

# Features of one 5x5 and one 7x7 convolution, and the decoder's 7x7, 5x5 and 5x5 ones; each with biases.
PARAMETERS = (25 * 16 + 16) + (49 * 16 * 32 + 32) + (49 * 32 * 32 + 32) + (25 * 32 * 16 + 16) + (25 * 16 + 1)


@pytest.fixture(scope="module")
def changed(apply_page):
    return apply_page("add_network")


def test_the_example_of_the_page(changed):
    (example,) = changed.page.examples
    assert changed.python(example) == "(1, 48, 64, 1) 12\n"


def test_the_table_of_the_documents_has_its_rows(changed):
    *_, table, _ = changed.page.commands
    rows = [line for line in changed.command(*table.split()[1:]).splitlines() if "deepfuse" in line]
    assert len(rows) == 2
    assert rows[0] == f"| `deepfuse` | adds features of both images and decodes the sum | {PARAMETERS:,} | 12 |"


def test_the_tests_of_all_networks_pass_for_it(changed):
    *_, command = changed.page.commands
    _, _, _, *arguments = command.split()
    assert arguments[-2:] == ["-k", "deepfuse"]
    said = changed.pytest(*arguments[:-1], "deepfuse_small", "-vv")  # one of the two names
    passed = [line.split("::")[1].split()[0] for line in said.splitlines() if "PASSED" in line]
    assert "test_receptive_radius_is_that_of_the_network[deepfuse_small]" in passed and len(passed) == 6


REFUSED = """
from bilevel_jax.training.config import check_config, default_config
config = default_config()
config.fusion.name = "deepfuse_small"
assert check_config(config).fusion.name == "deepfuse_small"
config = default_config()
config.fusion.name = "deepfuze"
try:
    check_config(config)
except ValueError as error:
    print(error)
"""


def test_it_can_be_configured_and_trained_for_a_step(changed):
    assert "config.fusion.name is 'deepfuze'; expected one of" in changed.python(REFUSED)
    train = changed.page.commands[0].split()
    assert "--config.fusion.name=deepfuse" in train
    changes = ["--config=experiments/configs/smoke.py", "--config.fusion.name=deepfuse_small", "--config.steps=0"]
    changes += ["--config.warm_start.steps=1", "--config.rows.steps=0", "--config.sheet_every=0"]
    changes += ["--config.semantic.task=none", "--config.visual.loss=none", "--config.visual.adversarial=0.0"]
    changes += ["--config.semantic.adversarial=0.0", "--workdir=RUN"]
    changed.command(train[1], *changes)
    lines = (changed.folder / "RUN" / "metrics.jsonl").read_text().splitlines()
    assert len(lines) == 1 and '"loss/warm_start"' in lines[0]


def test_the_help_of_the_configuration_counts_its_parameters(changed):
    helped = changed.page.commands[1]
    said = " ".join(changed.command(*helped.split()[1:]).split())
    assert f"deepfuse ({PARAMETERS:,} parameters): adds features of both images" in said
