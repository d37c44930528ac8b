"""A learned fusion loss on the built-in scenes: a segmenter teaches which fusion losses count, and how much.

    python experiments/train.py --config=experiments/configs/learned_loss.py

At each step of the run the segmenter and then the fusion network take two steps, the fusion network on the four
losses with the learned weights. Then the segmenter's loss on the images that this network fuses of other pairs moves
the weights, by its derivative through the two steps. The weights begin as they are given here.

--config.learned_loss.form=map gives each pixel weights of its own, which a small network makes of both images.
--config.bilevel.estimator=ignore leaves the weights as they are given: the baseline.

Time and figures are in docs/results/learned_loss.md.
"""

from ml_collections import ConfigDict

from bilevel_jax.training.config import default_config


def get_config() -> ConfigDict:
    config = default_config()
    config.data.crop = (64, 64)
    config.data.batch_size = 4
    config.fusion.name = "local_heat"
    config.visual.loss = "none"
    config.visual.adversarial = 0.0
    config.visual.l1 = 0.0
    config.visual.ssim = 0.0
    config.visual.infrared_l1 = 1.0
    config.visual.visible_l1 = 1.0
    config.visual.intensity_max = 1.0
    config.visual.gradient_max = 1.0
    config.semantic.depth = 10
    config.semantic.adversarial = 0.0
    config.learned_loss.form = "vector"
    config.learned_loss.learning_rate = 3e-2
    config.bilevel.estimator = "unrolled"
    config.bilevel.weighting = "equal"
    config.bilevel.outer_every = 2
    config.warm_start.steps = 20
    config.outer.learning_rate = 2e-3
    config.outer.clip_norm = 1.0
    config.steps = 150
    config.rows.steps = 300
    config.rows.boundaries = (250,)
    config.rows.scales = (0.1,)
    return config
