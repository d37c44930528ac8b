"""The page docs/how_to/bring_a_detector.md: its configuration is accepted, and its table has the keys of the kind."""

import re
from pathlib import Path

from bilevel_jax.training.config import check_config
from bilevel_jax.training.networks import networks_from_config
from bilevel_jax.training.tasks import SEMANTIC_TASKS

PAGE = Path(__file__).parents[2] / "docs" / "how_to" / "bring_a_detector.md"


def test_its_configuration_builds_the_networks_of_a_run(tiny_yolox):
    names = {}
    exec(re.search(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)[1], names)
    config = check_config(names["get_config"](str(tiny_yolox)))
    networks = networks_from_config(config, ("person", "car"), ())
    assert set(networks.semantic) == {"semantic", "yolox"} and networks.class_names["yolox"] == ("person", "car")
    assert SEMANTIC_TASKS[config.yolox.task].needs_labels(config.yolox) is False


def test_its_table_has_every_key_that_the_kind_reads():
    rows = set(re.findall(r"^\| `(\w+)` \|", PAGE.read_text(), re.MULTILINE))
    assert {option.name for option in SEMANTIC_TASKS["yolox"].options} | {"start", "trainable", "adversarial"} == rows


def test_the_files_that_it_points_at_exist():
    paths = re.findall(r"`((?:models|boxes|losses|training|images)/[\w/]+\.py)`", PAGE.read_text())
    assert len(paths) >= 6 and all((PAGE.parents[2] / "bilevel_jax" / path).is_file() for path in paths)
