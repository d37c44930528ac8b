"""What every weighting of task gradients is, and what its file says about it."""

import enum
import functools
from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple, ParamSpec, Protocol, cast

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, PRNGKeyArray

from bilevel_jax.bilevel.option_checks import surely, vector
from bilevel_jax.bilevel.registry import Options
from bilevel_jax.bilevel.trees import PyTree

P = ParamSpec("P")
Needs = Literal["nothing", "losses", "current_losses", "gramian", "gradients"]


class Promise(enum.StrEnum):
    """What a weighting may promise; tests/bilevel/test_weighting_promises.py holds each weighting to its promises."""

    ONE_TASK_UNCHANGED = "one task unchanged"  # for K = 1 the update is the gradient
    NO_CONFLICT = "no conflict"  # <g_k, d> >= 0 for every task k where the gradients are linearly independent
    EQUAL_PROJECTIONS = "equal projections"  # <g_k, d> / |g_k| is the same for every task k
    SCALE_FREE = "scale-free"  # the length of one task's gradient does not change the update
    SYMMETRIC = "symmetric"  # the update does not depend on the order of the tasks


class Weighting(NamedTuple):
    """A rule that turns K task gradients into one update.

    Attributes:
      needs: says what `weigh` is given: None ("nothing"); the losses [K] of the update being made, whose weights then
        hold for the NEXT update ("losses") or for this one ("current_losses"); the Gramian [K, K] of the gradients
        ("gramian"); or the gradients themselves, stacked on a leading axis ("gradients").
      init: a function (num_tasks, key) -> state.
      weigh: a function (what it needs, state) -> (result, next state). The result is float32 weights [K], or for
        "gradients" the combined update.
      init_with_params: a function (num_tasks, key, params) -> state, in place of `init` where the state has the shape
        of the gradients.
      weigh_present: for "gradients", "losses" and "current_losses", a function (gradients or losses, state, present
        [K]) -> (result, next state). None: `weigh` gets zeros for absent tasks.
      degree: for "gramian", how the weights change where all gradients are multiplied by s: they are multiplied by
        s^degree. The Gramian is then given in units in which it does not overflow. None: `weigh` gets it as it is.
      drops_rows: for "gramian", whether a gradient of weight 0 is left out, NaN or not.
      gramian_dtype: the type in which the Gramian is computed unless `dynamic_aggregate` is told another.
      jittable: whether `weigh` may be traced. An update outside jit is then compiled once, and not at every call. True
        for the registry. False by default, so that your own rule may use numpy or print outside jit.
    """

    needs: Needs
    init: Callable[[int, PRNGKeyArray], PyTree]
    weigh: Callable[[Any, PyTree], tuple[Any, PyTree]]
    init_with_params: Callable[[int, PRNGKeyArray, PyTree], PyTree] | None = None
    weigh_present: Callable[[Any, PyTree, Bool[Array, " k"]], tuple[Any, PyTree]] | None = None
    degree: float | None = None
    drops_rows: bool = False
    gramian_dtype: Literal["float32", "float64"] = "float32"
    jittable: bool = False

    @property
    def known_beforehand(self) -> bool:
        """Whether the weights of an update are known before any loss of it is computed."""
        return self.needs in ("nothing", "losses")

    @property
    def one_pull(self) -> bool:
        """Whether the weights follow from the state and the losses, so that one backward pass serves all tasks."""
        return self.known_beforehand or self.needs == "current_losses"


def no_options(num_tasks: int) -> Options:
    """The example of a weighting whose defaults serve for any number of tasks."""
    return {}


class WeightingTraits(NamedTuple):
    """What the file of a weighting says about it, for tables, for tests, and for whoever lists the choices.

    It decorates the function that makes the weighting, and is then its attribute `traits`.

    Attributes:
      promises: some of `Promise`, which are tested, and others that only the documents' table shows.
      paper: author, year and equation. The docstring's References have the title.
      choose_for: one clause that says when to choose this weighting.
      least_tasks: the smallest K that the default options allow.
      example: a function K -> options for tests and benchmarks, where the defaults do not serve.
    """

    promises: Sequence[str] = ()
    paper: str = ""
    choose_for: str = ""
    least_tasks: int = 1
    example: Callable[[int], Options] = no_options

    def __call__(self, make: Callable[P, Weighting]) -> "WeightingFactory[P]":
        """Returns `make` with these traits; what it makes is jittable."""

        @functools.wraps(make)
        def jittable(*args: P.args, **kwargs: P.kwargs) -> Weighting:
            return make(*args, **kwargs)._replace(jittable=True)

        factory = cast(WeightingFactory[P], jittable)
        factory.traits = self
        return factory


class WeightingFactory(Protocol[P]):
    """A function from options to a Weighting, with its traits."""

    __name__: str
    traits: WeightingTraits

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Weighting: ...


def check_num_tasks(rule: Weighting, num_tasks: int) -> None:
    """Raises ValueError where a weighting cannot be used for this number of tasks; it says why."""

    def init():
        key = jax.random.PRNGKey(0)  # traced: nothing here may touch a device before jax.distributed is initialised
        if rule.init_with_params is not None:
            return rule.init_with_params(num_tasks, key, jnp.zeros(()))
        return rule.init(num_tasks, key)

    jax.eval_shape(init)


def without_state(
    needs: Needs, weights: Callable[[Array], Float[Array, " k"]], degree: float | None = None
) -> Weighting:
    """A Weighting without a state, from a function of what it needs to the weights [K]; `degree` as in `Weighting`."""
    return Weighting(needs, lambda num_tasks, key: (), lambda given, state: (weights(given), state), degree=degree)


def of_current_losses(
    init: Callable[[int, PRNGKeyArray], PyTree],
    weigh: Callable[[Float[Array, " k"], PyTree, Bool[Array, " k"]], tuple[Float[Array, " k"], PyTree]],
) -> Weighting:
    """A Weighting by the losses of the update being made, from a function (losses, state, present) -> (weights, state).

    The function leaves every number of an absent task in the state as it is. The weights of absent tasks do not matter.
    """

    def weigh_all(losses, state):
        return weigh(losses, state, jnp.ones(losses.shape, bool))

    return Weighting("current_losses", init, weigh_all, weigh_present=weigh)


def with_preference(
    needs: Needs,
    weights: Callable[[Array, Float[Array, " k"]], Float[Array, " k"]],
    preference: Sequence[float] | None,
) -> Weighting:
    """A Weighting from a function of (what it needs [K, ...], preference [K]); None prefers all tasks alike, 1/K.

    Raises:
      ValueError: a preference is negative, or (from `init`) their number is not that of the tasks.
    """
    if preference is None:

        def alike(given):
            return weights(given, jnp.full((given.shape[0],), 1.0 / given.shape[0], given.dtype))

        return without_state(needs, alike, degree=0.0)
    preference = vector(preference)
    if any(surely(value < 0) for value in preference):
        raise ValueError(f"a preference must not be negative, got {preference}")

    def init(num_tasks, key):
        del key
        if len(preference) != num_tasks:
            raise ValueError(f"{len(preference)} values of preference for {num_tasks} tasks")
        return jnp.asarray(preference, jnp.float32)

    def current(state):  # the option may follow a schedule
        return jnp.asarray(preference, jnp.float32) if isinstance(preference, jax.Array) else state

    return Weighting(needs, init, lambda given, state: (weights(given, current(state)), state), degree=0.0)
