"""Parameters from and to other files.

python experiments/convert.py export --workdir=RUN --out=FILE.safetensors [--parts=fusion,discriminator,semantic]
python experiments/convert.py import --weights=FILE.safetensors --workdir=RUN
"""

import sys
from collections.abc import Sequence

from bilevel_jax.errors import InputError, run_command

COMMANDS = ("export", "import")


def main(argv: Sequence[str]) -> None:
    # Imported where they are needed, so that each starts fast.
    if argv[1:2] == ["export"]:
        from bilevel_jax.checkpoints.convert_command import export_command

        export_command([argv[0], *argv[2:]])
    elif argv[1:2] == ["import"]:
        from bilevel_jax.checkpoints.convert_command import import_command

        import_command([argv[0], *argv[2:]])
    elif argv[1:2] in (["--help"], ["-h"]):
        print(__doc__)
    else:
        given = repr(argv[1]) if len(argv) > 1 else "nothing"
        raise InputError(f"The command is {given}; expected one of {', '.join(COMMANDS)}, each with --help.")


if __name__ == "__main__":
    sys.exit(run_command(main))
