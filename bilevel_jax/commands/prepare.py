"""prepare.py: flags -> one call of `prepare`, then the summary."""

from collections.abc import Sequence
from pathlib import Path

from absl import flags

from bilevel_jax.command_line import parse_flags
from bilevel_jax.data.builders import BUILDERS, builder_help
from bilevel_jax.data.builders.options import Options
from bilevel_jax.data.builders.prepare import prepare
from bilevel_jax.data.builders.summarize import summary_text
from bilevel_jax.data.sources.summary import read_summary
from bilevel_jax.errors import InputError, StopSignal
from bilevel_jax.images.saliency import METHODS

USAGE = (
    "python experiments/prepare.py --dataset=NAME --source=DIR [--out=DIR]\n"
    "Prepares a data set for training. Files that cannot be used are printed with the reason, and listed in\n"
    "summary.json. Train on the result with train.py --config.data.name=NAME --config.data.root=OUT.\n"
    f"Data sets:\n{builder_help()}"
)


def define_options(values: flags.FlagValues) -> None:
    """Adds the flags that say which data set it is, where it is, and how it is prepared."""
    flags.DEFINE_string("dataset", None, f"the data set: {', '.join(BUILDERS)}", flag_values=values)
    flags.DEFINE_string("source", None, "the folder of the download, as it was unpacked", flag_values=values)
    text = "names of the class numbers in YOLO files, in order, where the download does not say them"
    flags.DEFINE_list("classes", [], text, flag_values=values)
    text = "which blocks of pairs are held out where the data set publishes no split"
    flags.DEFINE_integer("seed", 0, text, flag_values=values)
    text = "low,high: raw counts of 16 bit infrared images that become black and white, for a saliency that is stored"
    flags.DEFINE_list("infrared_range", [], text, flag_values=values)
    flags.DEFINE_bool("allow_overlap", False, "take pairs that stand in two splits", flag_values=values)
    text = (
        f"{' or '.join(METHODS)}: compute the saliency now and store it; or a folder of masks NAME.png "
        "(default: compute it when a pair is read)"
    )
    flags.DEFINE_string("saliency", "", text, flag_values=values)


def read_options(values: flags.FlagValues) -> Options:
    """Reads the flags of `define_options`.

    Raises:
        InputError: --infrared_range is not two numbers.
    """
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
        raise StopSignal("nothing was left half made; the same command starts again.") from error
    summary = read_summary(out)
    print(summary_text(summary))
    keys = f"--config.data.name={values.dataset} --config.data.root={out}"
    use = f"Train on it with {keys}" if "train" in summary["splits"] else f"It has no split to train on; it is in {out}"
    print(f"{len(summary['rejected'])} rejected. {use}")
