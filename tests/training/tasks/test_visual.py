"""The visual task's terms: which of them the configuration switches on, and with what weight."""

import jax
import numpy as np
import pytest

from bilevel_jax.errors import InputError
from bilevel_jax.images.color import luma
from bilevel_jax.images.exposure import expose
from bilevel_jax.losses import fusion
from bilevel_jax.training.config import check_config, default_config
from bilevel_jax.training.tasks.visual import appearance_loss

NAMES = [name for name, term in fusion.TERMS.items() if not term.default]


def _batch():
    rng = np.random.default_rng(0)
    image = lambda channels: rng.random((2, 44, 45, channels), np.float32)
    boxes = np.tile(np.float32([[4, 6, 20, 16], [15, 20, 40, 32], [0, 0, 0, 0]]), (2, 1, 1))
    labels = {"boxes": boxes, "classes": np.tile(np.int32([1, 0, -1]), (2, 1)), "has_boxes": np.array([True, False])}
    fused, batch = image(1), {"ir": image(1), "vis": image(3), "saliency": image(1), **labels}
    batch["ir"][:, :8, :8] = batch["vis"][:, :8, :8] = 0.4  # a plain patch
    return fused, batch


def test_only_the_papers_two_terms_by_default():
    fused, batch = _batch()
    # The shapes alone: what is not computed costs nothing.
    assert set(jax.eval_shape(lambda: appearance_loss(default_config(), fused, batch))) == {"l1", "ssim"}


def test_each_term_has_its_weight_and_its_name():
    fused, batch = _batch()
    config = default_config()
    for number, name in enumerate(NAMES):
        config.visual[name] = 0.5 + number

    @jax.jit
    def both(fused, batch):
        compared = fused, batch["ir"], luma(batch["vis"]), batch["vis"]
        images = fusion.Images(*compared, batch["ir"], batch["boxes"], batch["classes"], batch["has_boxes"])
        plain = {name: fusion.TERMS[name].loss(fused, images) for name in NAMES}
        return appearance_loss(check_config(config), fused, batch), plain

    terms, plain = both(fused, batch)
    assert set(terms) == {"l1", "ssim", *NAMES}
    for number, name in enumerate(NAMES):
        assert float(plain[name][0]) > 0
        np.testing.assert_allclose(terms[name][0], (0.5 + number) * plain[name][0], rtol=1e-5, err_msg=name)
        assert float(terms[name][1]) == float(plain[name][1])


@pytest.mark.parametrize("name", ["l1", "ssim", "adversarial", *NAMES])
def test_a_negative_weight_is_named(name):
    config = default_config()
    config.visual[name] = -0.25
    with pytest.raises(InputError, match=rf"config\.visual\.{name} is -0\.25; expected at least 0"):
        check_config(config)


def test_a_crop_that_is_too_small_for_vif_is_named():
    config = default_config()
    config.data.crop = (64, 40)
    assert check_config(config.copy_and_resolve_references()).data.crop == (64, 40)
    config.visual.vif = 1.0
    with pytest.raises(InputError, match=r"config\.data\.crop is \(64, 40\); expected at least 41 .* visual\.vif"):
        check_config(config)


def test_what_mirrors_a_measure_of_appearance_compares_with_infrared_as_it_comes():
    fused, batch = _batch()
    batch["ir"] = 0.1 + 0.1 * batch["ir"]
    # The gain is about 1.9. With it the spot would be white, the patch would not be plain, and the box would have more
    # contrast.
    batch["ir"][:, 40:43, 40:43], fused[:, 40:43, 40:43] = 0.6, 1.0
    batch["ir"][:, 32:40, :8] = 0.15 + 0.02 * (np.indices((8, 8)).sum(0) % 2)[..., None]
    batch["vis"][:, 32:40, :8] = 0.4
    batch["ir"][:, 4:20, 6:16] = 0.25
    config = default_config()
    config.visual.white = config.visual.grain = config.visual.object_contrast = 1.0
    plain = appearance_loss(check_config(config.copy_and_resolve_references()), fused, batch)
    config.visual.exposure = 4.0
    exposed = appearance_loss(check_config(config), fused, batch)
    assert float(plain["l1"][0]) != float(exposed["l1"][0])  # the gain is not 1
    brightened = appearance_loss(config, fused, batch | {"ir": np.asarray(expose(batch["ir"], 4.0))})
    for name in ("white", "grain", "object_contrast"):
        assert float(plain[name][0]) == float(exposed[name][0]) > 0, name
        assert float(brightened[name][0]) != float(plain[name][0]), name  # so the test can tell the two apart


def test_exposure_brightens_the_infrared_image_of_every_other_term():
    fused, batch = _batch()
    dim = batch | {"ir": 0.2 * batch["ir"]}
    bright = batch | {"ir": np.asarray(expose(dim["ir"], 4.0))}
    assert bright["ir"].mean() > 2.5 * dim["ir"].mean()
    config = default_config()
    config.visual.qabf = 1.0
    plain = jax.jit(lambda batch: appearance_loss(config, fused, batch))(bright)
    exposed = config.copy_and_resolve_references()
    exposed.visual.exposure = 4.0
    terms = jax.jit(lambda batch: appearance_loss(check_config(exposed), fused, batch))(dim)
    for name, (total, _) in plain.items():
        np.testing.assert_allclose(terms[name][0], total, rtol=1e-5, err_msg=name)
    exposed.visual.exposure = 0.5
    with pytest.raises(InputError, match=r"config\.visual\.exposure is 0\.5; expected at least 1"):
        check_config(exposed)
