"""Keys of the visual task: the discriminator, the target, and the weight of every fusion loss."""

from ml_collections import ConfigDict

from bilevel_jax.losses.adversarial import FAMILIES
from bilevel_jax.losses.fusion import TARGETS, TERMS
from bilevel_jax.models.discriminators import DISCRIMINATORS, discriminator_help
from bilevel_jax.training.config.key import Key, Section, at_least, expect, one_of
from bilevel_jax.training.config.run import task_names
from bilevel_jax.training.tasks.real_images import REAL_IMAGES

FAMILY_HELP = {name: family.help for name, family in FAMILIES.items()} | {"none": "no discriminator"}

STRIDE = Key(
    "visual.discriminator_stride",
    4,
    at_least(1),
    "the pixel discriminator scores every n-th pixel in both directions. 1 = every pixel, as in the paper",
)
KEYS = (
    Key("visual.loss", "lsgan", one_of(FAMILY_HELP), "adversarial loss between discriminator and fusion network"),
    Key(
        "visual.discriminator",
        "pixel",
        one_of(tuple(DISCRIMINATORS)),
        lambda: f"the network that tells real images from the fused image. {discriminator_help()}",
    ),
    STRIDE,
    Key(
        "visual.real",
        "target",
        one_of({name: real.help for name, real in REAL_IMAGES.items()}),
        "what the discriminator takes for real. `visual.discriminator` = dual has real images of its own, of which "
        "the visible ones get the weights of this choice",
    ),
    Key(
        "visual.target",
        "saliency",
        one_of({name: target.help for name, target in TARGETS.items()}),
        "the image that the fused image is compared with",
    ),
    Key(
        "visual.saliency_blur",
        1.5,
        at_least(0),
        "standard deviation in pixels of a blur of the saliency map. Histogram contrast turns noise of the infrared "
        "image into a noisy map. 0 = no blur",
    ),
    Key(
        "visual.exposure",
        1.0,
        at_least(1),
        "maximum gain for dim infrared images in the target and the terms of the visual task, except for terms whose "
        "help says that infrared images count without exposure. Where fusion.exposure is above 1, the gain is measured "
        "as it is before the network, without constant areas. 1 = none",
    ),
    Key(
        "visual.infrared_gain",
        1.0,
        at_least(0),
        "gain of the infrared image in the target, which is clipped at 1. Take more than 1 for dim infrared images",
    ),
    *(Key(f"visual.{term.name}", term.default, at_least(0), term.help) for term in TERMS.values()),
    Key("visual.adversarial", 0.5, at_least(0), "weight of the adversarial term in the visual task's outer loss"),
    Key(
        "visual.restart",
        0,
        at_least(0),
        "number of outer steps after which the discriminator and its optimizer return to their start, again and again. "
        "0 = never",
    ),
)


def check(config: ConfigDict) -> None:
    """Refuses a crop that is too small for a loss, and keys that the discriminator does not read."""
    for term in TERMS.values():
        if config.visual[term.name] > 0:
            least = term.least_side
            fits = min(config.data.crop) >= least
            expect(config, "data.crop", fits, f"at least {least} pixels a side for visual.{term.name}")
    if config.visual.loss != "none":
        _check_discriminator(config)
    # config.semantic is looked at even where its task is none, as it always was.
    for name in dict.fromkeys(("visual", "semantic", *task_names(config))):
        unread = config.visual.loss == "none" and config[name].adversarial
        wanted = "0.0 where config.visual.loss is none, without a discriminator"
        expect(config, f"{name}.adversarial", not unread, wanted)
    idle = config.visual.loss == "none" and config.visual.restart
    expect(config, "visual.restart", not idle, "0 where config.visual.loss is none, without a discriminator")


def _check_discriminator(config: ConfigDict) -> None:
    name = config.visual.discriminator
    read = DISCRIMINATORS[name].on_grid or config.visual.discriminator_stride == STRIDE.default
    expected = f"{STRIDE.default}, its default, where config.visual.discriminator is {name}, which sees every pixel"
    expect(config, STRIDE.name, read, expected)


SECTION = Section("Visual task", KEYS, check)
