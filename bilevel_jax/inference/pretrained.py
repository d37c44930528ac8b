"""The weights that come with the package, by name."""

import os
from pathlib import Path

import bilevel_jax.pretrained
from bilevel_jax.errors import InputError

FOLDER = Path(bilevel_jax.pretrained.__file__).parent
DEFAULT = "pyramid"  # what is used where no name is given
KIND = "pretrained"  # among inputs and methods: KIND, or KIND:NAME


def pretrained_names(folder: str | os.PathLike | None = None) -> list[str]:
    """The names of the weights in the package, or in another `folder`."""
    return sorted(path.stem for path in Path(folder or FOLDER).glob("*.safetensors"))


def pretrained_file(name: str | None = None, folder: str | os.PathLike | None = None) -> Path:
    """The file of the weights of that name; `DEFAULT` where none is given.

    Raises:
        InputError: there are none of that name; the message has the names that there are.
    """
    known, folder = pretrained_names(folder), Path(folder or FOLDER)
    if (name or DEFAULT) not in known:
        expected = f"one of {', '.join(known)}" if known else f"a .safetensors file in {folder}, which has none"
        raise InputError(f"There are no pretrained weights {name or DEFAULT!r}; expected {expected}.")
    return folder / f"{name or DEFAULT}.safetensors"


def is_pretrained(text: str) -> bool:
    """Whether `text` asks for weights of the package: "pretrained", or "pretrained:NAME"."""
    return text.partition(":")[0] == KIND


def name_in(text: str) -> str | None:
    """NAME of "pretrained:NAME", None of "pretrained"."""
    return text.partition(":")[2] or None
