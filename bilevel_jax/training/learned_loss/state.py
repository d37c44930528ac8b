"""The training state of a run with a learned loss: that of any run, and the loss's own parameters."""

from typing import NoReturn

import jax
import jax.numpy as jnp
import optax
from ml_collections import ConfigDict

from bilevel_jax.bilevel import Estimator
from bilevel_jax.bilevel.trees import PyTree
from bilevel_jax.training.estimators import estimator_factory, takes_steps
from bilevel_jax.training.jitted import Jitted
from bilevel_jax.training.learned_loss import FORMS
from bilevel_jax.training.learned_loss.problem import learned_terms
from bilevel_jax.training.optimizers import optimizer
from bilevel_jax.training.state import TrainState

LOSS_KEY = 2**31 - 2  # folded into the run's key for the first parameters of the loss; no step has this number


class LearnedLossState(TrainState):
    """State of a run with a learned loss.

    `outer_params` are the fusion network's parameters as in every run, so that every command that reads a run finds
    them; in this problem they are the inner variable. `outer_state` is (state of the fusion network's optimizer,).

    Attributes:
        loss_params: parameters of the learned loss, the outer variable.
        loss_state: (state of their optimizer, what the hypergradient estimator keeps).
    """

    loss_params: PyTree
    loss_state: tuple[optax.OptState, PyTree]

    @property
    def trained(self) -> PyTree:
        return super().trained, self.loss_params


def with_learned_loss(config: ConfigDict, state: TrainState) -> LearnedLossState:
    """Returns a state before the first step, with the first parameters of the loss.

    Args:
        config: a checked configuration with a learned loss.
        state: the first state of any run of this configuration.
    """

    def assembled(state: TrainState) -> LearnedLossState:
        key = jax.random.fold_in(state.key, LOSS_KEY)
        loss_params = FORMS[config.learned_loss.form].init(key, len(learned_terms(config)))
        fusion_state = optimizer(config.outer).init(state.outer_params)
        # An estimator that takes the fusion network's steps itself keeps the state of their optimizer, which is above.
        kept = () if takes_steps(config) else _estimator(config).init(loss_params, state.outer_params)
        first = LearnedLossState(
            step=state.step,
            key=state.key,
            outer_params=state.outer_params,
            warm_start_state=state.warm_start_state,
            outer_state=(fusion_state,),
            inner_params=state.inner_params,
            inner_state=state.inner_state,
            loss_params=loss_params,
            loss_state=(optimizer(config.learned_loss).init(loss_params), kept),
        )
        # A state that is donated to a step must not hold one buffer in two places, as fresh optimizer states may.
        return jax.tree.map(jnp.copy, first)

    return Jitted(assembled)(state)


def _estimator(config: ConfigDict) -> Estimator:
    def no_loss(loss_params: PyTree, fusion_params: PyTree, batch: PyTree) -> NoReturn:
        raise AssertionError("an estimator that is only asked for its first state must not call its losses")

    return estimator_factory(config)(no_loss, no_loss)
