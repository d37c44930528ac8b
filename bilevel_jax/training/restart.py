"""Networks of tasks that return to their start every n outer steps.

What counts for a fused image is that a fresh network learns well from it. A network that trained beside the fusion
network from the beginning has had time to get used to it, so `restart` of a task begins again with a fresh one.
"""

from collections.abc import Mapping
from pathlib import Path

import jax
import numpy as np
from jax.experimental import multihost_utils
from jax.sharding import Mesh
from ml_collections import ConfigDict

from bilevel_jax.bilevel import estimator_states
from bilevel_jax.bilevel.trees import PyTree
from bilevel_jax.checkpoints.parameters import load_parameters, save_parameters
from bilevel_jax.errors import InputError
from bilevel_jax.training.config import semantic_tasks
from bilevel_jax.training.devices import place_state
from bilevel_jax.training.estimators import estimator_factory
from bilevel_jax.training.jitted import Jitted
from bilevel_jax.training.learned_loss import learns_loss
from bilevel_jax.training.state import Optimizers, TrainState


def restart_periods(config: ConfigDict) -> dict[str, int]:
    """Returns task -> number of outer steps from one start of its network to the next; tasks that never restart lack.

    Args:
        config: a checked configuration.
    """
    every = {"visual": config.visual.restart} | {name: block.restart for name, block in semantic_tasks(config).items()}
    return {name: steps for name, steps in every.items() if steps}


def due_before(config: ConfigDict, step: int) -> tuple[str, ...]:
    """Returns the tasks whose networks restart before a step of the run.

    A network restarts before the step that follows its n-th outer step, and not after the n-th itself: what that step
    validates, draws and saves is a network that has learnt. The step's number alone decides, so a resumed run restarts
    as one that never stopped.

    Args:
        config: a checked configuration.
        step: from 1 on, warm start included.
    """
    done = step - 1 - config.warm_start.steps  # inner steps taken before this one
    # Each step of a learned loss is an outer step, with its inner steps in it.
    outer_steps, rest = divmod(done, 1 if learns_loss(config) else config.bilevel.outer_every)
    if done <= 0 or rest:
        return ()
    return tuple(name for name, period in restart_periods(config).items() if outer_steps % period == 0)


def keep_starts(config: ConfigDict, workdir: Path, state: TrainState) -> None:
    """Keeps the first parameters of every network that restarts: the files that they came from may be gone by then.

    Collective: every process must call it.
    """
    for name in restart_periods(config) if jax.process_index() == 0 else ():
        save_parameters(workdir, _file(name), state.inner_params[name])
    if jax.process_count() > 1:
        multihost_utils.sync_global_devices("the first parameters are kept")


class Restarts:
    """Puts networks, their optimizers and what an estimator keeps for them back to their start where that is due.

    A task has no random key of its own: what a step draws is folded from the run's key and the step. So the network
    and its optimizer return, and the draws go on.

    Args:
        config: a checked configuration.
        optimizers: of this configuration.
        mesh: on whose devices the state is.
        workdir: of the run, in which `keep_starts` kept the first parameters.

    Raises:
        InputError: the folder does not have the first parameters of a network that restarts.
    """

    def __init__(self, config: ConfigDict, optimizers: Optimizers, mesh: Mesh, workdir: Path):
        self._config, self._mesh = config, mesh
        self._fresh_optimizer = Jitted(optimizers.inner.init)
        self._fresh_estimator = Jitted(lambda params: estimator_states(params, estimator_factory(config)))
        self._starts: dict[str, PyTree] = {}
        for name in restart_periods(config):
            start = load_parameters(workdir, _file(name))
            if start is None:
                raise InputError(
                    f"config.{name}.restart is {config[name].restart}, and {workdir} has no parameters/{_file(name)}: "
                    "the run began without restarts; expected 0, or another --workdir."
                )
            self._starts[name] = start

    def __call__(self, state: TrainState, step: int) -> TrainState:
        """Returns the state with which the step `step` begins. Collective: every process must call it."""
        fresh = {name: self._placed(name) for name in due_before(self._config, step)}
        if not fresh:
            return state
        params: Mapping[str, PyTree] = {name: one[0] for name, one in fresh.items()}
        optimizer_states: Mapping[str, PyTree] = {name: one[1] for name, one in fresh.items()}
        outer_state = state.outer_state
        if len(outer_state) > 2:  # what an estimator keeps belongs to the network that is given up
            kept = {name: one for placed in fresh.values() for name, one in placed[2].items()}
            outer_state = (*outer_state[:2], {**outer_state[2], **kept})
        return state.replace(
            outer_state=outer_state,
            inner_params={**state.inner_params, **params},
            inner_state={**state.inner_state, **optimizer_states},
        )

    def _placed(self, name: str) -> tuple[PyTree, PyTree, PyTree]:
        # The next step takes these arrays away, so each restart places copies.
        start = jax.tree.map(np.array, self._starts[name])
        others = jax.device_get((self._fresh_optimizer(start), self._fresh_estimator({name: start})))
        return place_state(self._mesh, (start, *others))


def _file(name: str) -> str:
    return f"start_{name}"
