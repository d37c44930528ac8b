"""Names of fusion methods, as commands take them: RULE[+exposed][+COLOR] or pretrained[:NAME][+COLOR]."""

from collections.abc import Sequence
from typing import NamedTuple

from bilevel_jax.errors import InputError, nearest
from bilevel_jax.images.color_methods import COLOR_METHODS, DEFAULT_COLOR
from bilevel_jax.images.trivial_fusion import TRIVIAL_METHODS
from bilevel_jax.inference.pretrained import KIND, is_pretrained

EXPOSED = "exposed"  # the option that brightens a dim infrared image
CAMERAS = ("ir", "vi", "vis")  # bases that are no fused image: they have no colour to choose
INFRARED = CAMERAS[0]  # the one of them that can be exposed
OPTIONS = (EXPOSED, *COLOR_METHODS)
METHOD_OPTIONS = (
    f"+{EXPOSED} after a rule brightens dim infrared images first, and "
    f"{' or '.join(f'+{name}' for name in COLOR_METHODS)} chooses the colour, as in heat_replace+{EXPOSED}+light"
)


class MethodName(NamedTuple):
    """What the name of a method asks for; `str` gives the name in its one canonical form.

    Attributes:
        base: a rule of `TRIVIAL_METHODS`, or one of the other bases that the caller accepts.
        exposed: whether a dim infrared image is brightened first (`images.exposure`).
        color: a name in `COLOR_METHODS`; None = the base's own, which is `DEFAULT_COLOR` for a rule and what the
            network was trained with for a network.
    """

    base: str
    exposed: bool = False
    color: str | None = None

    def __str__(self) -> str:
        options = [EXPOSED] if self.exposed else []
        if self.color is not None and not (self.is_rule and self.color == DEFAULT_COLOR):
            options.append(self.color)
        return "+".join([self.base, *options])

    @property
    def is_rule(self) -> bool:
        """Whether the base is a rule without learning."""
        return self.base in TRIVIAL_METHODS


def is_method_name(text: str, others: Sequence[str] = ()) -> bool:
    """Whether the part of `text` before the first "+" is a rule or one of the `others` of `parse_method_name`."""
    base = text.partition("+")[0]
    return base in TRIVIAL_METHODS or base in others or (is_pretrained(base) and KIND in others)


def parse_method_name(text: str, others: Sequence[str] = ()) -> MethodName:
    """Reads the name of a method: a base, and options in any order.

    Args:
        text: such as "max", "heat_replace+exposed+hue" or "pretrained:measures+light".
        others: the bases beside the rules, such as "ours" or "ir". "pretrained" also allows "pretrained:NAME".

    Raises:
        InputError: an unknown base or option (the message proposes the nearest), an option that the base has no use
            for, or an option or a colour that is given twice.
    """
    base, *options = text.split("+")
    if not is_method_name(base, others):
        known = [*others, *TRIVIAL_METHODS]
        raise InputError(f"The method {text!r} is not known; expected one of {', '.join(known)}{nearest(base, known)}")
    for option in options:
        if option not in OPTIONS:
            raise InputError(
                f"The method {text!r} has the option {option!r}; expected one of {', '.join(OPTIONS)}"
                f"{nearest(option, OPTIONS)}"
            )
    colors = [option for option in options if option in COLOR_METHODS]
    if len(colors) > 1 or options.count(EXPOSED) > 1:
        raise InputError(f"The method {text!r} has an option twice; expected at most one colour and one +{EXPOSED}.")
    if EXPOSED in options and base not in (*TRIVIAL_METHODS, INFRARED):
        raise InputError(
            f"The method {text!r} has the option {EXPOSED!r}; expected it only after a rule "
            f"({', '.join(TRIVIAL_METHODS)}) or {INFRARED}: a network gets its images as it was trained on them."
        )
    if colors and base in CAMERAS:
        raise InputError(f"The method {text!r} has a colour; expected a colour only where an image is fused.")
    own = DEFAULT_COLOR if base in TRIVIAL_METHODS else None
    return MethodName(base, EXPOSED in options, colors[0] if colors else own)
