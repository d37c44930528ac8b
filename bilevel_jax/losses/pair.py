"""The form in which a loss is returned."""

from jax import Array
from jaxtyping import Float

# (sum, normaliser). The loss is their quotient; sums over the parts of a batch add up to the quotient of the whole.
Pair = tuple[Float[Array, ""], Float[Array, ""]]
