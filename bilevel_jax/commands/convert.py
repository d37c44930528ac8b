"""The command convert.py: exports a run's parameters, imports them, or converts weights."""

from collections.abc import Sequence

from bilevel_jax.start import run_subcommand

USAGE = """Copies parameters from and to other files, and writes ONNX models.

python experiments/convert.py export --workdir=RUN --out=FILE.safetensors [--parts=fusion,discriminator,semantic,TASK]
python experiments/convert.py import --weights=FILE.safetensors --workdir=RUN
python experiments/convert.py backbone --weights=FILE.(safetensors|pth|pt|bin|npz) --out=FILE.safetensors
python experiments/convert.py onnx --out=FILE.onnx [--weights=NAME_OR_FILE | --workdir=RUN] [--dtype=uint8|float32]
"""
SUBCOMMANDS = {
    "export": "bilevel_jax.commands.convert_weights:export_command",
    "import": "bilevel_jax.commands.convert_weights:import_command",
    "backbone": "bilevel_jax.commands.convert_backbone:backbone_command",
    "onnx": "bilevel_jax.commands.convert_onnx:onnx_command",
}


def convert_command(argv: Sequence[str]) -> None:
    """Runs the conversion that the first argument names; --help prints all of them.

    Raises:
        InputError: bad usage.
    """
    if argv[1:2] in (["--help"], ["-h"]):
        print(USAGE)
    else:
        run_subcommand(argv, SUBCOMMANDS)
