"""Fuse so that a segmenter that learns by day works by night: two levels with a correction, on the built-in scenes.

    python experiments/train.py --config=experiments/configs/day_to_night.py
    python experiments/downstream.py --config=experiments/configs/day_to_night.py --inputs=ours,ir,vi,average \
        --workdir=runs/day_to_night --seeds=0

The segmenter learns from labelled day scenes alone, as do the fresh segmenters of the table. The fusion network's outer
loss is that of night scenes, whose labels no segmenter learns from. This is the case in which the correction for the
second level is worth something where it was measured (docs/results/bilevel_study.md). `truncated` differentiates three
steps of the segmenter; it begins anew after every 20 outer steps. `downstream.py` shows the figures of day and of night.
There is no discriminator, so the segmenter is the only inner problem.

FIGURE
"""

from ml_collections import ConfigDict

from bilevel_jax.training.config import default_config


def get_config() -> ConfigDict:
    config = default_config()
    config.data.num_train = 400
    config.data.num_test = 200
    config.data.crop = (64, 64)
    config.data.inner_where = "day"
    config.data.outer_where = "night"
    config.fusion.name = "local_heat_vivid"
    config.visual.loss = "none"
    config.visual.adversarial = 0.0
    config.semantic.depth = 10
    config.semantic.width = 8
    config.semantic.channels = 16
    config.semantic.adversarial = 0.0
    config.semantic.outer_weight = 4.0
    config.semantic.restart = 20
    config.bilevel.estimator = "truncated"
    config.bilevel.solve_steps = 3
    config.bilevel.solve_rate = 0.02
    config.bilevel.estimator_options.backward_steps = 3
    config.bilevel.outer_every = 5
    config.warm_start.steps = 80
    config.steps = 200
    config.outer.learning_rate = 2e-3
    config.rows.learn_from = "inner"
    config.rows.steps = 400
    config.rows.boundaries = (320,)
    config.rows.scales = (0.1,)
    return config
