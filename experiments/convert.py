"""Parameters from and to other files.

python experiments/convert.py export --workdir=RUN --out=FILE.safetensors [--parts=fusion,discriminator,semantic]
python experiments/convert.py import --weights=FILE.safetensors --workdir=RUN
python experiments/convert.py backbone --weights=FILE.(safetensors|pth|pt|bin|npz) --out=FILE.safetensors
"""

import importlib
import sys
from collections.abc import Sequence

from bilevel_jax.errors import InputError
from bilevel_jax.start import start

# Imported when it is asked for, so that each starts fast.
COMMANDS = {
    "export": ("bilevel_jax.commands.convert_weights", "export_command"),
    "import": ("bilevel_jax.commands.convert_weights", "import_command"),
    "backbone": ("bilevel_jax.commands.convert_backbone", "backbone_command"),
}


def main(argv: Sequence[str]) -> None:
    name = argv[1] if len(argv) > 1 else None
    if name in ("--help", "-h"):
        print(__doc__)
    elif name in COMMANDS:
        module, command = COMMANDS[name]
        getattr(importlib.import_module(module), command)([argv[0], *argv[2:]])
    else:
        given = "nothing" if name is None else repr(name)
        raise InputError(f"The command is {given}; expected one of {', '.join(COMMANDS)}, each with --help.")


if __name__ == "__main__":
    sys.exit(start(main))
