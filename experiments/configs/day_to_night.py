"""TODO"""

from ml_collections import ConfigDict

from bilevel_jax.training.config import default_config


def get_config() -> ConfigDict:
    config = default_config()
    config.data.num_train = 500
    config.data.num_test = 300
    config.data.inner_where = "day"
    config.data.outer_where = "night"
    config.fusion.name = "local_heat_vivid"
    config.semantic.depth = 10
    config.semantic.outer_weight = 4.0
    config.semantic.restart = 10
    config.bilevel.estimator = "truncated"
    config.bilevel.solve_steps = 2
    config.bilevel.solve_rate = 0.05
    config.bilevel.estimator_options.backward_steps = 2
    config.outer.learning_rate = 2e-3
    config.rows.learn_from = "inner"
    config.rows.steps = 300
    config.rows.boundaries = (250,)
    config.rows.scales = (0.1,)
    return config
