"""The shortest convex combination."""

from bilevel_jax.bilevel.weighting.small_quadratic_programs import shortest
from bilevel_jax.bilevel.weighting.weighting import Promise, Weighting, WeightingTraits, without_state


@WeightingTraits(
    promises=[Promise.ONE_TASK_UNCHANGED, Promise.NO_CONFLICT, Promise.SYMMETRIC, "0 at Pareto-stationary points"],
    paper="Desideri 2012; Sener & Koltun 2018",
    choose_for="a common descent direction is a must; the smallest gradient decides its length",
)
def mgda() -> Weighting:
    """The shortest vector in the convex hull of the task gradients, a common descent direction.

    Needs the Gramian. The weights are exact; the Frank-Wolfe iteration of the paper stops early. A zero gradient makes
    the result zero, because that point is Pareto-stationary.

    References:
      Desideri, Multiple-gradient descent algorithm (MGDA), C. R. Math. 350, 2012; Sener and Koltun, Multi-Task
      Learning as Multi-Objective Optimization, NeurIPS 2018 (arXiv 1810.04650).
    """
    return without_state("gramian", shortest, degree=0.0)
