"""The shortest convex combination."""

from bilevel_jax.bilevel.weighting.small_quadratic_programs import shortest
from bilevel_jax.bilevel.weighting.weighting import Weighting, without_state


def mgda() -> Weighting:
    """The shortest vector in the convex hull of the task gradients, a common descent direction; needs the Gramian.

    Solved exactly (the Frank-Wolfe iteration of the paper stops early). A zero gradient makes the result zero: that
    point is Pareto-stationary.

    References:
      Desideri, Multiple-gradient descent algorithm (MGDA), C. R. Math. 350, 2012; Sener and Koltun, Multi-Task
      Learning as Multi-Objective Optimization, NeurIPS 2018 (arXiv 1810.04650).
    """
    return without_state("gramian", shortest)
