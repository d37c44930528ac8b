"""A network computed in bfloat16, with parameters and outputs in float32."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray, PyTree

from bilevel_jax.models.network import Network

DTYPES = ("float32", "bfloat16")


class Computed(NamedTuple):
    """A network whose `apply` casts parameters and inputs to `dtype`, and outputs back to float32.

    The gradient with respect to the parameters comes back in float32, since the cast is part of the function.
    """

    module: Network
    dtype: str

    def init(self, key: PRNGKeyArray, *inputs: Float[Array, "..."]) -> PyTree:
        """Returns the parameters, float32."""
        return self.module.init(key, *inputs)

    def apply(self, params: PyTree, *inputs: Float[Array, "..."]) -> PyTree:
        """Returns the module's outputs, float32."""
        outputs = self.module.apply(_cast(params, self.dtype), *_cast(inputs, self.dtype))
        return _cast(outputs, "float32")


def computed_in(dtype: str, module: Network) -> Network:
    """Returns `module` itself for the dtype "float32", and a `Computed` that casts for "bfloat16"."""
    return module if dtype == "float32" else Computed(module, dtype)


def _cast(tree: PyTree, dtype: str) -> PyTree:
    floating = lambda leaf: jnp.issubdtype(jnp.result_type(leaf), jnp.floating)
    return jax.tree.map(lambda leaf: leaf.astype(dtype) if floating(leaf) else leaf, tree)
