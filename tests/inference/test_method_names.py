"""Names of methods: what they may say, in which one form they are written, and what the messages propose."""

import numpy as np
import pytest

from bilevel_jax.errors import InputError
from bilevel_jax.images.color_methods import COLOR_METHODS, color_method
from bilevel_jax.images.exposure import expose
from bilevel_jax.images.files import to_float
from bilevel_jax.images.trivial_fusion import TRIVIAL_METHODS
from bilevel_jax.inference import Fuser, TrivialFuser, named_fuser
from bilevel_jax.inference.method_names import MethodName, is_method_name, parse_method_name

BASES = ("ir", "vi", "ours", "pretrained")
RNG = np.random.default_rng(6)
PAIR = (RNG.integers(5, 40, (40, 50), np.uint8), RNG.integers(0, 256, (40, 50, 3), np.uint8))


@pytest.mark.parametrize("rule", TRIVIAL_METHODS)
@pytest.mark.parametrize("exposed", [False, True])
@pytest.mark.parametrize("color", COLOR_METHODS)
def test_what_is_written_is_read_back(rule, exposed, color):
    name = MethodName(rule, exposed, color)
    assert parse_method_name(str(name)) == name and name.is_rule


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("max+hue+exposed", "max+exposed+hue"),
        ("heat+chroma", "heat"),
        ("pretrained:measures+light", "pretrained:measures+light"),
        ("ours+hue", "ours+hue"),
        ("pretrained+chroma", "pretrained+chroma"),  # the network may have been trained with another colour
        ("ir+exposed", "ir+exposed"),
    ],
)
def test_there_is_one_form_of_each_name(text, canonical):
    assert str(parse_method_name(text, BASES)) == canonical


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "heat_replce",
            r"'heat_replce' is not known; expected one of ir, .*heat_replace.*; did you mean heat_replace\?",
        ),
        ("max+exposd", r"option 'exposd'; expected one of exposed, chroma, hue, light; did you mean exposed\?"),
        ("max+", "option ''; expected one of exposed"),
        ("max+hue+light", "an option twice"),
        ("max+exposed+exposed", "an option twice"),
        ("pretrained+exposed", r"'exposed'; expected it only after a rule \(average, .*\) or ir"),
        ("vi+exposed", "'exposed'; expected it only after a rule"),
        ("ir+hue", "'ir.hue' has a colour; expected a colour only where an image is fused"),
        ("vis", "'vis' is not known"),
    ],
)
def test_what_is_refused(text, message):
    with pytest.raises(InputError, match=message):
        parse_method_name(text, BASES)


def test_without_pretrained_among_the_bases_it_is_no_name():
    assert is_method_name("pretrained:x+hue", BASES) and not is_method_name("pretrained:x+hue", ("ours",))
    assert is_method_name("max+anything") and not is_method_name("runs/max+exposed")


@pytest.mark.parametrize("rule", ["max", "heat_detail"])
def test_a_rule_with_options_is_the_rule_on_the_exposed_image_in_that_colour(rule):
    ir, vis = (to_float(image if image.ndim == 3 else image[..., None]) for image in PAIR)
    fuser = named_fuser(f"{rule}+exposed+hue")
    luminance = TrivialFuser(rule).luminance(expose(ir[None]), vis[None])[0]
    assert abs(luminance - TrivialFuser(rule).luminance(ir[None], vis[None])[0]).max() > 0.05
    expected = np.floor(255 * color_method("hue")(luminance, vis) + 0.5)
    np.testing.assert_array_equal(fuser.fuse(*PAIR), expected)


def test_weights_of_the_package_take_a_colour():
    colored = named_fuser("pretrained:detector+hue")
    assert isinstance(colored, Fuser) and colored.color == "hue" and named_fuser("pretrained").color == "chroma"
    with pytest.raises(InputError, match="no pretrained weights 'none'"):
        named_fuser("pretrained:none")


def test_a_network_in_another_colour_has_the_same_luminance_and_leaves_the_first_as_it_was():
    plain = Fuser(lambda params, ir, luma: 0.5 * luma, {}, radius=0)
    colored = plain.with_color("hue")
    np.testing.assert_array_equal(
        colored.luminance(*(to_float(image)[None] for image in (PAIR[1], PAIR[1]))),
        plain.luminance(*(to_float(image)[None] for image in (PAIR[1], PAIR[1]))),
    )
    bright = np.clip(PAIR[1], 60, 255)
    np.testing.assert_allclose(colored.fuse(*(bright, bright)), 0.5 * bright, atol=0.51)
    assert (plain.fuse(bright, bright) != colored.fuse(bright, bright)).any()
