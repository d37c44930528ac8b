"""Complex leaves of the two variables: which estimators are wrong for them, and what they are refused with."""

import jax
import jax.numpy as jnp

from bilevel_jax.bilevel.hypergradient.estimator import Estimator
from bilevel_jax.bilevel.trees import PyTree


def refusing_complex(made: Estimator, name: str, forward_mode: bool) -> Estimator:
    """The estimator, which raises ValueError for complex leaves that it would be wrong for.

    JAX gives the conjugate of the steepest direction as the gradient of a complex leaf. Steps and products along it in
    the inner problem would go astray in silence. A complex outer variable has the gradient that `jax.grad` gives,
    except in forward mode, which has none.
    """

    def init(outer_params, inner_params):
        check(outer_params, inner_params)
        return made.init(outer_params, inner_params)

    def estimate(outer_params, inner_params, *batches_and_state, **named):
        check(outer_params, inner_params)
        return made.estimate(outer_params, inner_params, *batches_and_state, **named)

    def check(outer_params, inner_params):
        if made.needs_inner_loss:
            _refuse_complex(inner_params, "inner", name)
        if forward_mode:
            _refuse_complex(outer_params, "outer", name)

    return made._replace(init=init, estimate=estimate)


def _refuse_complex(params: PyTree, kind: str, name: str) -> None:
    for path, leaf in jax.tree_util.tree_leaves_with_path(params):
        if jnp.iscomplexobj(leaf):
            place = f" {jax.tree_util.keystr(path)}" if path else ""
            raise ValueError(
                f"the {kind} parameter{place} is complex, and {name} takes real {kind} parameters: pass its real and "
                "imaginary parts as two leaves, and make the complex number of them in the losses"
            )
