"""One task of a configuration that has several."""

import pytest

from bilevel_jax.errors import InputError
from bilevel_jax.evaluation.downstream.chosen_task import only_task, task_title, with_one_task
from bilevel_jax.training.config import check_config, default_config, semantic_tasks, task_block


@pytest.fixture
def config():
    config = default_config()
    config.tasks = ("visual", "semantic", "boxes", "guard")
    config.boxes = task_block(task="detection")
    config.guard = task_block(task="detection", trainable=False, start="guard.safetensors")
    config.initial.parts = ("fusion", "boxes", "guard")
    config.validate_every, config.keep_best = 5, "guard"
    return config


@pytest.mark.parametrize(
    ("wanted", "name", "title"),
    [
        ("boxes", "boxes", "detection (boxes)"),
        ("semantic", "semantic", "segmentation"),
        ("detection", "semantic", "detection"),
    ],
)
def test_a_name_or_a_kind_chooses_one_task_and_nothing_names_the_others(config, wanted, name, title):
    chosen = check_config(with_one_task(config, wanted))  # accepted: no key points to a task that is gone
    assert only_task(chosen) == name and list(semantic_tasks(chosen)) == [name]
    assert task_title(chosen) == title and chosen.keep_best == ""
    assert "guard" not in chosen and set(chosen.initial.parts) <= {"fusion", "boxes"}
    assert len(semantic_tasks(config)) == 3  # the given configuration stays


def test_one_task_is_left_as_it_is():
    config = default_config()
    assert with_one_task(config).to_dict() == config.to_dict()
    config.semantic.task = "none"
    with pytest.raises(InputError, match="--task is missing; expected one of detection, segmentation"):
        with_one_task(config)


@pytest.mark.parametrize(
    ("wanted", "sentence"),
    [
        ("", "--task is missing, and config.tasks has several; expected one of semantic, boxes"),
        ("guard", r"not trained \(config\.guard\.trainable is False\); expected one of semantic, boxes"),
        ("box", "--task=box is neither a kind of task nor one of config.tasks; expected one of detection, .*, boxes"),
    ],
)
def test_what_is_refused(config, wanted, sentence):
    with pytest.raises(InputError, match=sentence):
        with_one_task(config, wanted)


@pytest.mark.parametrize("wanted", ["detection", "segmentation", "semantic"])
def test_a_frozen_network_is_not_trained_under_the_name_of_its_kind(config, wanted):
    config.semantic.task, config.semantic.trainable = "detection", False
    sentence = rf"--task={wanted} is a network that is not trained \(config\.semantic\.trainable.*one of boxes"
    with pytest.raises(InputError, match=sentence):
        with_one_task(config, wanted)
    config.tasks = ("visual", "semantic")
    with pytest.raises(InputError, match=r"config\.semantic\.trainable is False\); expected True"):
        with_one_task(config, wanted)
