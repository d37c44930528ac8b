"""The command `benchmark.py imported`: measures the time of a network from an ONNX file."""

from collections.abc import Sequence
from pathlib import Path

from absl import flags

from bilevel_jax.benchmarks.imported_cost import measure
from bilevel_jax.command_line import height_and_width, parse_flags
from bilevel_jax.errors import InputError
from bilevel_jax.models.imported.onnx import find_heads
from bilevel_jax.models.imported.onnx_operators.depthwise import VARIANTS
from bilevel_jax.report.text_table import format_table

USAGE = """python experiments/benchmark.py imported --file=FILE.onnx [--batches=1,4,8] [--size=416,416] [--heads]
Prints milliseconds an image of a network from an ONNX file, forward and with gradients, with each way to compute
depthwise convolutions, and of onnxruntime beside it."""


def imported_command(argv: Sequence[str]) -> None:
    """Measures and prints the table.

    Raises:
        InputError: bad usage, or the file cannot be read.
    """
    values = parse_flags(_define, argv, USAGE, compilation_cache="off")
    if not values.file:
        raise InputError("--file is missing; expected an ONNX file.")
    path, batches = Path(values.file), values.batches
    if not all(batch.isdigit() and int(batch) for batch in batches) or not batches:
        raise InputError(f"--batches is {','.join(batches)!r}; expected whole numbers above 0, such as 1,4,8.")
    unknown = [name for name in values.variants if name not in VARIANTS]
    if unknown:
        raise InputError(f"--variants names {unknown[0]!r}; expected some of {', '.join(VARIANTS)}.")
    outputs = [name for head in find_heads(path) for name in head.logits] if values.heads else None
    height, width = height_and_width("size", values.size)
    rows = measure(path, [int(batch) for batch in batches], height, width, outputs, values.variants, values.repeats)
    print(format_table(list(rows), digits=1))


def _define(values: flags.FlagValues) -> None:
    flags.DEFINE_string("file", "", "the ONNX file, with one input: an image", flag_values=values)
    flags.DEFINE_list("batches", ["1", "4", "8"], "batch sizes", flag_values=values)
    flags.DEFINE_list("size", ["416", "416"], "height and width of the images in pixels", flag_values=values)
    text = "end a detector before its first reshapes, as training does, so that --size may differ from the file's"
    flags.DEFINE_bool("heads", False, text, flag_values=values)
    text = "ways to compute depthwise convolutions"
    flags.DEFINE_list("variants", list(VARIANTS), text, flag_values=values)
    text = "calls after the first one; their least and median times are printed"
    flags.DEFINE_integer("repeats", 10, text, lower_bound=1, flag_values=values)
