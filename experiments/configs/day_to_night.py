"""TODO"""

from ml_collections import ConfigDict

from bilevel_jax.training.config import default_config


def get_config() -> ConfigDict:
    config = default_config()
    config.data.num_train = 400
    config.data.num_test = 300
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
    config.bilevel.solve_rate = 0.1
    config.bilevel.estimator_options.backward_steps = 3
    config.bilevel.outer_every = 5
    config.warm_start.steps = 80
    config.steps = 200
    config.outer.learning_rate = 2e-3
    config.rows.learn_from = "inner"
    config.rows.steps = 200
    config.rows.boundaries = (160,)
    config.rows.scales = (0.1,)
    return config
