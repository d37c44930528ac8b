"""The weights that come with the package, by name."""

import os
from pathlib import Path

import bilevel_jax.pretrained
from bilevel_jax.errors import InputError

FOLDER = Path(bilevel_jax.pretrained.__file__).parent
DEFAULT = "heat"  # the weights that are used where no name is given
KIND = "pretrained"  # a command asks for the weights as "pretrained" or "pretrained:NAME"


def pretrained_names(folder: str | os.PathLike | None = None) -> list[str]:
    """Returns the names of the weights in the package, or in another `folder`."""
    return sorted(path.stem for path in Path(folder or FOLDER).glob("*.safetensors"))


def pretrained_file(name: str | None = None, folder: str | os.PathLike | None = None) -> Path:
    """Returns the file of the weights of that name; None is `DEFAULT`.

    Raises:
        InputError: no weights have that name. The message lists the names.
    """
    known, folder = pretrained_names(folder), Path(folder or FOLDER)
    if (name or DEFAULT) not in known:
        expected = f"one of {', '.join(known)}" if known else f"a .safetensors file in {folder}, which has none"
        raise InputError(f"There are no pretrained weights {name or DEFAULT!r}; expected {expected}.")
    return folder / f"{name or DEFAULT}.safetensors"


def weights_file(given: str | None) -> Path:
    """Returns the file of weights that a command names: NAME.safetensors, or the name of weights of the package.

    Raises:
        InputError: as `pretrained_file`; whether another file exists is not checked.
    """
    return Path(given) if given and given.endswith(".safetensors") else pretrained_file(given)


def is_of_package(path: str | os.PathLike) -> bool:
    """Whether a file is in the folder of the package's own weights."""
    return Path(path).resolve().parent == FOLDER.resolve()


def is_pretrained(text: str) -> bool:
    """Whether `text` asks for weights of the package: "pretrained" or "pretrained:NAME"."""
    return text.partition(":")[0] == KIND


def name_in(text: str) -> str | None:
    """Returns NAME for "pretrained:NAME", and None for "pretrained"."""
    return text.partition(":")[2] or None
