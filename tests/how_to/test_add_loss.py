"""The page docs/how_to/add_loss.md: one file and one line, and the loss is everywhere."""

import json

import pytest


@pytest.fixture(scope="module")
def changed(apply_page):
    return apply_page("add_loss")


def test_its_own_test_passes_and_the_tests_of_all_terms_try_it(changed):
    own = str(changed.folder / "tests/losses/fusion/test_fusiongan.py")
    said = changed.pytest("tests/losses/fusion/test_terms.py", own, "-k", "fusiongan", "-vv")
    assert said.count("PASSED") == 4 and "test_gradient_equals_finite_differences[fusiongan] PASSED" in said


def test_the_table_of_the_documents_has_its_row(changed):
    table = changed.page.commands[-1]
    assert "| `visual.fusiongan` | weight of FusionGAN's content loss | 0 |" in changed.command(*table.split()[1:])


TERMS_SUMMED = """
import json
import jax, numpy as np
from bilevel_jax.losses.fusion import TERMS
from bilevel_jax.training.config import default_config
from bilevel_jax.training.tasks.visual import appearance_loss

config = default_config()
assert config.visual.fusiongan == 0.0
rng = np.random.default_rng(0)
image = lambda channels: rng.random((1, 44, 45, channels), np.float32)
batch = {"ir": image(1), "vis": image(3), "saliency": image(1)}
batch |= {"boxes": np.zeros((1, 0, 4), np.float32), "classes": np.zeros((1, 0), int), "has_boxes": np.array([True])}
fused = image(1)
shapes = lambda: list(jax.eval_shape(lambda: appearance_loss(config, fused, batch)))
before = shapes()
config.visual.fusiongan = 0.5
print(json.dumps([before, shapes(), list(TERMS)]))
"""


def test_its_weight_is_a_key_of_the_configuration(changed):
    before, after, terms = json.loads(changed.python(TERMS_SUMMED))
    error, *_ = changed.configured({"visual.fusiongan": -1.0})
    assert sorted(after) == sorted([*before, "fusiongan"]) and terms[-1] == "fusiongan"
    assert error == "config.visual.fusiongan is -1.0; expected at least 0."
    train, helped, _ = changed.page.commands
    assert "--config.visual.fusiongan=0.5" in train
    said = changed.command(*helped.split()[1:])
    assert "visual.fusiongan" in said and "weight of FusionGAN's content loss" in said
