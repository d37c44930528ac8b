"""The inner problem that has a closed form: a ridge-regularised linear head on the features of each cell.

The outer variable of the losses here is the pair (outer features, inner features). A hypergradient with respect to the
features is pulled back to the fusion rule afterwards, which is exact by the chain rule and computes the features once.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from bilevel_jax.bilevel.hypergradient.estimator import Loss

Features = tuple[Float[Array, "n_outer cells d"], Float[Array, "n_inner cells d"]]
Head = Float[Array, "d c"]


class RidgeLosses(NamedTuple):
    """The two losses as every estimator takes them: (features, head, targets) -> scalar.

    Attributes:
        outer: half the mean squared error on the outer scenes.
        inner: half the mean squared error on the inner scenes, and the ridge term.
        both: `outer` over the scenes of both sets; its batch is (outer targets, inner targets).
        both_inner: `both` with the ridge term.
    """

    outer: Loss
    inner: Loss
    both: Loss
    both_inner: Loss


def whiten(whitening: Float[Array, "e e"]) -> Float[Array, "d d"]:
    """The map from the head's own variables to weights of the features; the constant feature is left alone."""
    size = whitening.shape[0] + 1
    return jnp.zeros((size, size), whitening.dtype).at[:-1, :-1].set(whitening).at[-1, -1].set(1.0)


def half_error(phi: Array, weights: Array, targets: Array) -> Float[Array, ""]:
    """Half the squared error, summed over the classes, and averaged over cells."""
    return 0.5 * jnp.mean(jnp.sum((phi @ weights - targets) ** 2, -1))


def ridge_losses(whitening: Float[Array, "d d"], ridge: Float[Array, ""] | float) -> RidgeLosses:
    """The losses of a head with the given whitening (see `whiten`) and strength of the ridge term."""

    def outer(phi, v, targets):
        return half_error(phi[0], whitening @ v, targets)

    def inner(phi, v, targets):
        return half_error(phi[1], whitening @ v, targets) + 0.5 * ridge * jnp.sum(v**2)

    def both(phi, v, targets):
        weights, (one, two) = whitening @ v, targets
        n, m = len(one), len(two)
        return (n * half_error(phi[0], weights, one) + m * half_error(phi[1], weights, two)) / (n + m)

    return RidgeLosses(outer, inner, both, lambda phi, v, y: both(phi, v, y) + 0.5 * ridge * jnp.sum(v**2))


def gram(phi: Array, whitening: Array, ridge: Float[Array, ""] | float) -> Float[Array, "d d"]:
    """The second derivative of the inner loss with respect to each class's part of the head."""
    flat = phi.reshape(-1, phi.shape[-1])
    return whitening.T @ (flat.T @ flat / len(flat)) @ whitening + ridge * jnp.eye(len(whitening), dtype=phi.dtype)


def stable_rate(phi: Array, whitening: Array, ridge: Float[Array, ""] | float) -> Float[Array, ""]:
    """A step size at which gradient descent on the inner loss falls along every direction, without turning round.

    It is 2/3 over the largest eigenvalue of `gram`; descent diverges above 2 over that eigenvalue.
    """
    return 1.0 / (1.5 * jnp.linalg.eigvalsh(gram(phi, whitening, ridge))[-1])


def solve(phi: Array, targets: Array, whitening: Array, ridge: Float[Array, ""] | float) -> Head:
    """The head that minimises the inner loss: one Newton step, because the loss is quadratic."""
    flat, wanted = phi.reshape(-1, phi.shape[-1]), targets.reshape(-1, targets.shape[-1])
    right = whitening.T @ (flat.T @ wanted) / len(flat)
    return jax.scipy.linalg.solve(gram(phi, whitening, ridge), right, assume_a="pos")


def exact_correction(
    losses: RidgeLosses, phi: Features, v: Head, outer: Array, inner: Array, curvature: Array
) -> tuple[Features, Features]:
    """F_phi and -f_phi,v f_vv^-1 F_v at v, by the implicit function theorem with the curvature's inverse.

    Args:
        losses: the problem.
        phi: outer and inner features.
        v: the head; the sum of the two results is the exact hypergradient where v minimises the inner loss.
        outer, inner: the targets.
        curvature: `gram` of the inner features.
    """
    F_phi, F_v = jax.grad(losses.outer, argnums=(0, 1))(phi, v, outer)
    q = jax.lax.stop_gradient(jax.scipy.linalg.solve(curvature, F_v, assume_a="pos"))
    mixed = jax.grad(lambda p: jnp.sum(q * jax.grad(losses.inner, argnums=1)(p, v, inner)))(phi)
    return F_phi, jax.tree.map(jnp.negative, mixed)
