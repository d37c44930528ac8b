"""A fuser for the name of a method: a rule without learning, or weights of the package."""

from bilevel_jax.inference.fuser import Fuser
from bilevel_jax.inference.image_fuser import ImageFuser
from bilevel_jax.inference.method_names import parse_method_name
from bilevel_jax.inference.pretrained import KIND, name_in
from bilevel_jax.inference.trivial import TrivialFuser


def named_fuser(text: str) -> ImageFuser:
    """Returns the fuser of a method's name: RULE[+exposed][+COLOR] or pretrained[:NAME][+COLOR].

    Raises:
        InputError: `parse_method_name` refuses the text, or no weights have the name.
    """
    name = parse_method_name(text, (KIND,))
    if name.is_rule:
        return TrivialFuser(str(name))
    return Fuser.pretrained(name_in(name.base)).with_color(name.color)
