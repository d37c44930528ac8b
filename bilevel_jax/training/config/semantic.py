"""Keys of the semantic task: its network, where the network starts from, and its losses."""

from ml_collections import ConfigDict

from bilevel_jax.models.normalisation import NORMS
from bilevel_jax.models.semantic import SEMANTIC_NETWORKS, semantic_help, semantic_names, semantic_options
from bilevel_jax.training.config.key import Key, Section, anything, at_least, expect, one_of

# What the published weights of a ResNet were trained with: with other values it is another network.
WITH_RESNET_WEIGHTS = {"norm": "frozen", "width": 64, "stem_stride": 4}
NONE = "none"  # the value of `semantic.task` that leaves the task out

KEYS = (
    Key("semantic.task", "segmentation", one_of((*SEMANTIC_NETWORKS, NONE)), "what the semantic network does"),
    Key(
        "semantic.network",
        "",
        one_of(semantic_names()),
        lambda: f"the network; '' is the task's own. {semantic_help()}",
    ),
    Key(
        "semantic.backbone",
        "",
        anything(),
        "file with ImageNet weights that the network starts from, as `convert.py backbone` makes it. '' = none",
    ),
    Key(
        "semantic.norm",
        "group",
        one_of(tuple(NORMS)),
        "normalisation of a ResNet. frozen takes the constants of semantic.backbone, which has to be given",
    ),
    Key("semantic.depth", 18, one_of((10, 18, 50)), "number of layers of a ResNet"),
    Key("semantic.width", 16, anything(), "channels of the ResNet's first stage. The paper has 64"),
    Key("semantic.channels", 32, anything(), "channels of the feature pyramid and of the head. The paper has 256"),
    Key("semantic.head_convs", 2, anything(), "detection: convolutions in each of FCOS's two towers. The paper has 4"),
    Key(
        "semantic.stem_stride",
        2,
        one_of((1, 2, 4)),
        "pixels of the image for one location of the ResNet's first stage, in both directions. The paper has 4; small "
        "images need 2 or 1",
    ),
    Key("semantic.adversarial", 0.01, at_least(0), "weight of the adversarial term in the semantic task's outer loss"),
    Key("semantic.dice", 0.0, at_least(0), "segmentation: weight of the Dice loss beside the cross-entropy"),
    Key(
        "semantic.lovasz", 0.0, at_least(0), "segmentation: weight of the Lovasz-softmax loss beside the cross-entropy"
    ),
    Key("semantic.class_weights", (), anything(), "segmentation: one weight a class. () = all 1"),
)


def check(config: ConfigDict) -> None:
    """Refuses a network of another task, and frozen normalisation without the weights that it belongs to."""
    semantic = config.semantic
    if semantic.task == NONE:
        return
    names = SEMANTIC_NETWORKS[semantic.task]
    listed = ", ".join(map(repr, names))
    expect(config, "semantic.network", semantic.network in names, f"one of {listed} for {semantic.task}")
    if "norm" not in semantic_options(semantic.task, semantic.network):
        group = f"group with {semantic.network}, which has no ResNet"
        expect(config, "semantic.norm", semantic.norm == "group", group)
        return
    known = semantic.norm != "frozen" or bool(semantic.backbone)
    given = "group, or a --config.semantic.backbone=FILE that convert.py backbone made"
    expect(config, "semantic.norm", known, given)
    for key, value in WITH_RESNET_WEIGHTS.items() if semantic.backbone else ():
        wanted = f"{value} with config.semantic.backbone, a ResNet's weights"
        expect(config, f"semantic.{key}", semantic[key] == value, wanted)


SECTION = Section("Semantic task", KEYS, check)
