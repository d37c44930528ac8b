"""Keys of a semantic task: its network, where the network starts from, and its losses.

`config.semantic` has these keys, and so has the block `config.NAME` of every further task in `config.tasks`.
"""

from collections.abc import Mapping, Sequence

from ml_collections import ConfigDict

from bilevel_jax.command_line import nearest_key
from bilevel_jax.errors import InputError
from bilevel_jax.models.normalisation import NORMS
from bilevel_jax.models.semantic import SEMANTIC_NETWORKS, semantic_help, semantic_names, semantic_options
from bilevel_jax.training.config.key import Key, Section, anything, at_least, expect, more_than, one_of
from bilevel_jax.training.config.run import NONE, semantic_tasks
from bilevel_jax.training.tasks import SEMANTIC_TASKS, BlockOption

# What the published weights of a ResNet were trained with: with other values it is another network.
WITH_RESNET_WEIGHTS = {"norm": "frozen", "width": 64, "stem_stride": 4}

# The keys of a block, named without the block.
BLOCK = (
    Key("task", "segmentation", one_of((*SEMANTIC_TASKS, NONE)), "what the semantic network does"),
    Key(
        "network",
        "",
        one_of(semantic_names()),
        lambda: f"the network; '' is the task's own. {semantic_help()}",
    ),
    Key(
        "backbone",
        "",
        anything(),
        "file with ImageNet weights that the network starts from, as `convert.py backbone` makes it. '' = none",
    ),
    Key(
        "norm",
        "group",
        one_of(tuple(NORMS)),
        "normalisation of a ResNet. frozen takes the constants of the block's backbone, which has to be given",
    ),
    Key("depth", 18, one_of((10, 18, 50)), "number of layers of a ResNet"),
    Key("width", 16, anything(), "channels of the ResNet's first stage. The paper has 64"),
    Key("channels", 32, anything(), "channels of the feature pyramid and of the head. The paper has 256"),
    Key("head_convs", 2, anything(), "detection: convolutions in each of FCOS's two towers. The paper has 4"),
    Key(
        "stem_stride",
        2,
        one_of((1, 2, 4)),
        "pixels of the image for one location of the ResNet's first stage, in both directions. The paper has 4; small "
        "images need 2 or 1",
    ),
    Key("adversarial", 0.01, at_least(0), "weight of the adversarial term in the task's outer loss"),
    Key(
        "outer_weight",
        1.0,
        more_than(0),
        "factor of the task's own loss in its outer loss. It makes the gradients of tasks equally long that are not; "
        "the network learns on the loss without it",
    ),
    Key(
        "start",
        "",
        anything(),
        "where the network's first parameters come from: RUN, the folder of a run, which gives its network of the same "
        "name or its only semantic network; RUN:TASK, the network of one task of that run; a .safetensors file that "
        "`convert.py export` made; or an .onnx file, for the kinds of task that read one. '' = random parameters",
    ),
    Key(
        "trainable",
        True,
        anything(),
        "whether the network learns. A network that does not is a fixed constraint on the fused image: the task has no "
        "inner problem, and its hypergradient is F_w",
    ),
    Key(
        "restart",
        0,
        at_least(0),
        "number of outer steps after which the network and its optimizer return to their start, again and again: the "
        "fused image must then teach a fresh network well. 0 = never",
    ),
)


def block_keys(name: str) -> tuple[Key, ...]:
    """Returns the keys of the block `config.NAME`: the same for every task, under the task's name."""
    own = own_keys({kind.name: kind.options for kind in SEMANTIC_TASKS.values()})
    return tuple(key._replace(name=f"{name}.{key.name}") for key in (*BLOCK, *own))


def own_keys(options: Mapping[str, Sequence[BlockOption]]) -> tuple[Key, ...]:
    """Returns the keys of a block that single kinds of task add to those of every block.

    Args:
        options: kind of task -> its options.

    Raises:
        ValueError: two kinds have options of one name, or an option has the name of a key of every block.
    """
    taken = {key.name: "every block" for key in BLOCK}
    for kind, option in ((kind, option) for kind, own in options.items() for option in own):
        if option.name in taken:
            raise ValueError(f"{kind} has an option {option.name!r}, which {taken[option.name]} has too; rename it.")
        taken[option.name] = kind
    return tuple(_option_key(kind, option) for kind, own in options.items() for option in own)


def _option_key(kind: str, option: BlockOption) -> Key:
    accepted = anything() if option.least is None else at_least(option.least)
    accepted = one_of(option.choices) if option.choices else accepted
    return Key(option.name, option.default, accepted, f"{kind}: {option.help}")


def task_block(**values: object) -> ConfigDict:
    """Returns the block of a further task: every key with its default, and the given values.

    A configuration file names the task and gives it a block:

        config.tasks = ("visual", "semantic", "segmenter")
        config.segmenter = task_block(task="segmentation", width=32)

    Raises:
        InputError: a key does not exist (the nearest one is named), or a value has another type than its key.
    """
    block = ConfigDict({key.name.removeprefix("."): key.default for key in block_keys("")})
    for name, value in values.items():
        if name not in block:
            known = [f"NAME.{key}" for key in block]
            raise InputError(f"config.NAME.{name} of a task's block does not exist{nearest_key(f'NAME.{name}', known)}")
        try:
            block[name] = value
        except TypeError as error:
            raise InputError(
                f"config.NAME.{name} of a task's block is {value!r}; expected a value like {block[name]!r}."
            ) from error
    return block


def check(config: ConfigDict) -> None:
    """Refuses, for each semantic task, keys of its block that contradict each other."""
    for name, block in semantic_tasks(config).items():
        kind = SEMANTIC_TASKS[block.task]
        _check_network(config, name, block)
        _check_start(config, name, block)
        kind.check(name, block)


def _check_network(config: ConfigDict, name: str, block: ConfigDict) -> None:
    """Refuses a network of another task, and frozen normalisation without the weights that it belongs to."""
    names = SEMANTIC_NETWORKS.get(block.task, ("",))  # without a list here, the kind of task makes its own network
    listed = ", ".join(map(repr, names))
    expect(config, f"{name}.network", block.network in names, f"one of {listed} for {block.task}")
    if block.task not in SEMANTIC_NETWORKS:
        return
    if "norm" not in semantic_options(block.task, block.network):
        group = f"group with {block.network}, which has no ResNet"
        expect(config, f"{name}.norm", block.norm == "group", group)
        return
    known = block.norm != "frozen" or bool(block.backbone)
    given = f"group, or a --config.{name}.backbone=FILE that convert.py backbone made"
    expect(config, f"{name}.norm", known, given)
    for key, value in WITH_RESNET_WEIGHTS.items() if block.backbone else ():
        wanted = f"{value} with config.{name}.backbone, a ResNet's weights"
        expect(config, f"{name}.{key}", block[key] == value, wanted)


def _check_start(config: ConfigDict, name: str, block: ConfigDict) -> None:
    """Refuses a fixed network of random weights, and the restart of a network that never leaves its start."""
    if block.trainable:
        return
    given = block.start or (config.initial.run and name in config.initial.parts)
    wanted = f"True, or a --config.{name}.start that the fixed network comes from"
    expect(config, f"{name}.trainable", bool(given), wanted)
    expect(config, f"{name}.restart", not block.restart, f"0 where config.{name}.trainable is False")


SECTION = Section("Semantic task (each further task has a block with the same keys)", block_keys("semantic"), check)
