"""evaluate.py appearance: what an eye minds in the images of several methods, on several sets at once."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from absl import flags
from ml_collections import ConfigDict

from bilevel_jax.command_line import define_report_flag, parse_flags, print_report, refuse_twice
from bilevel_jax.data.sets import open_other, open_sets
from bilevel_jax.data.sources.source import Source
from bilevel_jax.data.sources.summary import is_prepared
from bilevel_jax.errors import InputError
from bilevel_jax.evaluation.appearance.appearance_page import with_appearance
from bilevel_jax.evaluation.appearance.appearance_table import appearance_text, make_table, write_appearance
from bilevel_jax.evaluation.appearance.measure_set import measure_set
from bilevel_jax.evaluation.appearance.methods import method_of_set, methods_of_all_sets
from bilevel_jax.evaluation.appearance.pair_set import PairSet, set_of_source
from bilevel_jax.inference.method_names import METHOD_OPTIONS
from bilevel_jax.report import html
from bilevel_jax.training.config import default_config
from bilevel_jax.training.signals import StopRequest

USAGE = """python experiments/evaluate.py appearance --data=DIR[:SPLIT],... --methods=METHOD,... [--out=DIR]
[--distance=METHOD,...]
Measures what an eye minds, by day and by night of every set; the worst of them stand in front."""

HELD_OUT = ("val", "test")
DATA_HELP = "folders of pairs or prepared data sets, each with a split (val, test) or list file after a colon"
METHODS_HELP = (
    "ir, vis, switch, rules without learning, pretrained (or pretrained:NAME), NAME=RUN with the folder of a training "
    "run, NAME=FOLDER with fused images in FOLDER, FOLDER/SET or FOLDER/SET/SPLIT; "
    f"{METHOD_OPTIONS}"
)


def appearance_command(argv: Sequence[str]) -> None:
    """Prints the table of appearance of several methods on several sets.

    Raises:
        InputError: a set or a method is unknown or given twice, or an image is missing or damaged.
        StopSignal: the command was stopped by a signal; nothing was written.
    """
    values = parse_flags(_define, argv, USAGE, required=["data", "methods"])
    sets = open_pair_sets(values.data)
    refuse_twice("methods", [text.partition("=")[0] for text in values.methods])
    others = _others(values.distance, values.methods)
    refuse_twice("distance", [text.partition("=")[0] for text in others])
    common = methods_of_all_sets(list(dict.fromkeys([*values.methods, *others])))
    chosen = [
        [[method_of_set(text, common, pairs) for text in texts] for texts in (values.methods, others)] for pairs in sets
    ]
    with StopRequest() as stop:
        groups = [
            group
            for pairs, (methods, far) in zip(sets, chosen, strict=True)
            for group in measure_set(pairs, methods, stop.check, far)
        ]
    table = make_table(groups)
    print(appearance_text(table))
    if values.out is not None:
        write_appearance(values.out, table)
        print(f"\nTable: {Path(values.out) / 'appearance.md'}")
    if values.report is not None:
        page = html.Report("Appearance", environment=html.environment(), command=html.command_line())
        html.write_report(Path(values.report) / "index.html", with_appearance(page, table))
    print_report(values)


class OpenedSet(NamedTuple):
    """A set of pairs, and what it was opened with.

    Attributes:
        pairs: the set.
        source: its pairs as a data source.
        config: a configuration whose `data` names the set.
    """

    pairs: PairSet
    source: Source
    config: ConfigDict


def open_pair_sets(texts: Sequence[str]) -> list[PairSet]:
    """The sets of --data, each DIR or DIR:SPLIT.

    Raises:
        InputError: a set cannot be read, or two have one name.
    """
    sets = [open_pair_set(text).pairs for text in texts]
    refuse_twice("data", [pairs.name for pairs in sets])
    return sets


def _define(values: flags.FlagValues) -> None:
    flags.DEFINE_list("data", None, DATA_HELP, flag_values=values)
    flags.DEFINE_list("methods", None, METHODS_HELP, flag_values=values)
    text = (
        "methods, such as vis,average,switch: also measure how far the pictures of --methods are from theirs, as the "
        "mean |difference| of luma. A network that only copies one of them has a distance near 0"
    )
    flags.DEFINE_list("distance", [], text, flag_values=values)
    flags.DEFINE_string("out", None, "folder that receives appearance.json and appearance.md", flag_values=values)
    define_report_flag(values)


def open_pair_set(text: str, lists_of: Callable[[str], Path | None] = lambda root: None) -> OpenedSet:
    """The set of one text of --data: DIR or DIR:SPLIT.

    Args:
        text: of the flag.
        lists_of: function of a folder of pairs; returns where a run may keep lists of it, None = nowhere.

    Raises:
        InputError: the set cannot be read.
    """
    root, _, names = text.rpartition(":")
    if not root or Path(text).exists() or not (names in HELD_OUT or (Path(root) / names).exists() or is_prepared(root)):
        root, names = text, ""
    config = default_config()
    data = config.data
    data.name, data.root = "folder", root
    if names in HELD_OUT:
        # As training and downstream.py divide the folder, where it has no lists of its own.
        source = open_sets(data, 0, run=lists_of(root)).reported(names)[1]
    else:
        source = open_other(data, root, names or None)
    folder = Path(root).resolve().name
    pairs = set_of_source(source, f"{folder}/{Path(names).stem}" if names else folder)
    return OpenedSet(pairs, source, config)


def _others(texts: Sequence[str], methods: Sequence[str]) -> list[str]:
    """The texts of --distance; one that names a folder or a run of --methods stands for it.

    Raises:
        InputError: a name stands for another folder or run than in --methods.
    """
    named = {text.partition("=")[0]: text for text in methods if "=" in text}
    for text in texts:
        own = named.get(text.partition("=")[0], text)
        if "=" in text and own != text:
            raise InputError(f"--distance={text} and --methods={own} give one name to two things; expected two names.")
    return [named.get(text, text) for text in texts]
