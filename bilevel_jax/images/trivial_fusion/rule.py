"""What a rule without learning is."""

from dataclasses import dataclass
from typing import Protocol, TypeVar

import jax
import numpy as np
from jaxtyping import Float

ArrayT = TypeVar("ArrayT", np.ndarray, jax.Array)


class FusionRule(Protocol):
    """A function that fuses two luminance images in [0, 1]."""

    def __call__(
        self, infrared: Float[ArrayT, "*batch h w 1"], visible: Float[ArrayT, "*batch h w 1"]
    ) -> Float[ArrayT, "*batch h w 1"]:
        """Returns the fused luminance, not clipped."""


@dataclass(frozen=True)
class TrivialMethod:
    """A rule with its help text; the rule is called as the function is.

    Attributes:
        rule: the function.
        help: what the rule does, for tables and help texts.
    """

    rule: FusionRule
    help: str

    def __call__(
        self, infrared: Float[ArrayT, "*batch h w 1"], visible: Float[ArrayT, "*batch h w 1"]
    ) -> Float[ArrayT, "*batch h w 1"]:
        """Returns the fused luminance, not clipped."""
        return self.rule(infrared, visible)
