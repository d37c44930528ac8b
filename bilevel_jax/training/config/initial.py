"""Keys of the weights that a new run starts from."""

from ml_collections import ConfigDict

from bilevel_jax.checkpoints.weights import PARTS
from bilevel_jax.training.config.key import Key, Section, anything, expect, that
from bilevel_jax.training.config.run import further_tasks

KEYS = (
    Key(
        "initial.run",
        "",
        anything(),
        "where a new run takes its first parameters from: the folder of another run, a file that `convert.py export` "
        "or `downstream.py --save` made, or pretrained[:NAME], weights of the package. Of several places, separated by "
        "commas, each network comes from the first one that holds it. '' = random parameters",
    ),
    Key(
        "initial.parts",
        PARTS,
        that(lambda value: len(value) > 0, f"some of {', '.join(PARTS)}, and names of further tasks"),
        "the networks that are taken from there. With `semantic` the table's networks start from there too",
    ),
)


def check(config: ConfigDict) -> None:
    """Refuses a part that is no network of a run."""
    known = dict.fromkeys((*PARTS, *further_tasks(config)))
    expect(config, "initial.parts", set(config.initial.parts) <= set(known), f"some of {', '.join(known)}")


SECTION = Section("Initial weights", KEYS, check)
