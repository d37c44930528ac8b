"""Keys of the fusion network: what it is, how its infrared image is exposed, and how its images are finished."""

from ml_collections import ConfigDict

from bilevel_jax.images.color_methods import COLOR_METHODS, DEFAULT_COLOR
from bilevel_jax.models.fusion import VARIANTS, fusion_help
from bilevel_jax.training.config.key import Key, Section, at_least, between, expect, one_of

KEYS = (
    Key("fusion.name", "tiny", one_of(tuple(VARIANTS)), lambda: f"the network. {fusion_help()}"),
    Key(
        "fusion.exposure",
        1.0,
        at_least(1),
        "maximum gain for dim infrared images before the network. The gain of each image is measured outside the "
        "network, without constant areas. The gain of the losses, visual.exposure, is then measured in the same way. "
        "1 = none",
    ),
    Key(
        "fusion.exposure_jitter",
        0.0,
        at_least(0),
        "in training the measured gain of each image is multiplied by exp(u), where u is drawn uniformly between minus "
        "this and this, and kept from 1 to fusion.exposure, so that the network also works with another gain. 0 = the "
        "measured gain",
    ),
    Key(
        "fusion.color",
        DEFAULT_COLOR,
        one_of({name: method.help for name, method in COLOR_METHODS.items()}),
        "how fused images get their colour, in training before the semantic networks and for every use of the network",
    ),
    Key(
        "fusion.strength",
        1.0,
        between(0, 1),
        "share of the network's change of the visible luminance that finished pictures show. Training sees the whole "
        "change. Less is closer to the visible image: people are less white, and artefacts are fainter",
    ),
)


def check(config: ConfigDict) -> None:
    """Refuses a jitter of the exposure where there is no exposure."""
    read = config.fusion.exposure > 1 or not config.fusion.exposure_jitter
    expect(config, "fusion.exposure_jitter", read, "0.0 where config.fusion.exposure is 1.0, without a gain")


SECTION = Section("Fusion network", KEYS, check)
