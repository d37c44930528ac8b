"""Keys of the weights that a new run starts from."""

from bilevel_jax.checkpoints.weights import PARTS
from bilevel_jax.training.config.key import Key, Section, anything, that

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
        that(lambda value: 0 < len(value) and set(value) <= set(PARTS), f"some of {', '.join(PARTS)}"),
        "the networks that are taken from there. With `semantic` the table's networks start from there too",
    ),
)

SECTION = Section("Initial weights", KEYS)
