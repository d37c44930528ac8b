"""The command `prepare.py`: flags -> one call of `prepare`, then the summary."""

from collections.abc import Sequence
from pathlib import Path

from absl import flags

from bilevel_jax.command_line import parse_flags
from bilevel_jax.data.builders import BUILDERS
from bilevel_jax.data.builders.pair_builder import Options
from bilevel_jax.data.builders.prepare import prepare
from bilevel_jax.data.builders.summary import summary_text
from bilevel_jax.data.sources.prepared import read_summary
from bilevel_jax.errors import InputError, StopSignal

USAGE = (
    "python experiments/prepare.py --dataset=NAME --source=DIR [--out=DIR]\n"
    f"Data sets: {', '.join(BUILDERS)}.\n"
    "--source is the download as it was unpacked. Rejected files are printed with the reason, and stand in\n"
    "summary.json. train.py --config.data.name=NAME --config.data.root=OUT trains on the result."
)


def define_options(values: flags.FlagValues) -> None:
    """Adds the flags that say which data set, where it is, and how it is prepared."""
    flags.DEFINE_string("dataset", None, f"one of {', '.join(BUILDERS)}", flag_values=values)
    flags.DEFINE_string("source", None, "the download as it was unpacked", flag_values=values)
    flags.DEFINE_list("classes", [], "names of the class numbers in YOLO files that do not say", flag_values=values)
    flags.DEFINE_integer("seed", 0, "of the split that is made where none is published", flag_values=values)
    flags.DEFINE_list(
        "infrared_range",
        [],
        "low,high raw counts of 16 bit infrared, for a saliency that is stored",
        flag_values=values,
    )
    flags.DEFINE_bool("allow_overlap", False, "take pairs that stand in two splits", flag_values=values)
    flags.DEFINE_string(
        "saliency",
        "",
        "histogram or spectral: computed now and stored; a folder of masks NAME.png; default: computed when read",
        flag_values=values,
    )


def read_options(values: flags.FlagValues) -> Options:
    """The options that the flags of `define_options` name; InputError for a range that is not two numbers."""
    try:
        infrared_range = tuple(float(level) for level in values.infrared_range)
    except ValueError:
        infrared_range = (0.0,)
    if len(infrared_range) not in (0, 2):
        raise InputError(f"--infrared_range is {','.join(values.infrared_range)!r}, expected low,high in counts.")
    return Options(
        classes=tuple(values.classes),
        seed=values.seed,
        saliency=values.saliency,
        infrared_range=infrared_range,
        allow_overlap=values.allow_overlap,
    )


def prepare_command(argv: Sequence[str]) -> None:
    """Prepares a data set and prints what it holds and what was left out."""

    def define(values: flags.FlagValues) -> None:
        define_options(values)
        flags.DEFINE_string("out", None, "the folder to make (default: in ~/.cache/bilevel_jax)", flag_values=values)
        flags.DEFINE_bool("overwrite", False, "replace a prepared data set in --out", flag_values=values)

    values = parse_flags(define, argv, USAGE, required=["dataset", "source"])
    out = Path(values.out).expanduser() if values.out else None
    try:
        out = prepare(values.dataset, Path(values.source).expanduser(), out, read_options(values), values.overwrite)
    except KeyboardInterrupt as error:
        raise StopSignal("nothing was left half made; the same command starts anew.") from error
    summary = read_summary(out)
    print(summary_text(summary))
    keys = f"--config.data.name={values.dataset} --config.data.root={out}"
    use = f"Train on it with {keys}" if "train" in summary["splits"] else f"It has no split to train on; it is in {out}"
    print(f"{len(summary['rejected'])} rejected. {use}")
