"""evaluate.py eyes: sheets for blind comparisons of fused pictures by people, and what the answers say."""

from collections.abc import Sequence
from pathlib import Path

from absl import flags

from bilevel_jax.command_line import parse_flags, refuse_twice
from bilevel_jax.commands.evaluate_appearance import DATA_HELP, METHODS_HELP, open_pair_sets
from bilevel_jax.errors import InputError
from bilevel_jax.evaluation.appearance.methods import method_of_set, methods_of_all_sets
from bilevel_jax.evaluation.eyes.answers import read_answers
from bilevel_jax.evaluation.eyes.chosen_pairs import named_pairs, spread_pairs
from bilevel_jax.evaluation.eyes.preference import preference_text, preferences, write_preferences
from bilevel_jax.evaluation.eyes.sheet_key import make_key, read_key
from bilevel_jax.evaluation.eyes.sheets import ANSWERS, INSTRUCTIONS, write_sheets
from bilevel_jax.training.signals import StopRequest

MAKE_USAGE = (
    "python experiments/evaluate.py eyes --data=DIR[:SPLIT],... --ours=METHOD --against=METHOD,... --out=DIR "
    "[--pairs=40 | --names=FILE] [--per_page=N] [--seed=N]"
)
READ_USAGE = "python experiments/evaluate.py eyes --key=DIR --answers=FILE[,FILE2,...] [--out=DIR]"
USAGE = f"""{MAKE_USAGE}
   or: {READ_USAGE}
Makes sheets on which people compare two fused pictures without knowing whose they are, and counts their answers."""
PAIRS = 40


def eyes_command(argv: Sequence[str]) -> None:
    """Writes the sheets of a blind comparison, or prints what the answers to them say.

    Raises:
        InputError: flags of both actions are given or one is missing, a set, method or pair is unknown or given twice,
            an image or an answer is missing or damaged, or the sheets' folder has answers already.
        StopSignal: the command was stopped by a signal; some sheets may have been written.
    """
    values = parse_flags(_define, argv, USAGE)
    making = ("data", "ours", "against", "names", "pairs", "per_page", "seed")
    reading = ("key", "answers")
    given = {name for name in (*making, *reading) if values[name].present}
    read = bool(given & set(reading))
    if read and (others := [name for name in making if name in given]):
        raise InputError(f"--{others[0]} is for making sheets; expected it without --key and --answers.")
    for name in reading if read else (*making[:3], "out"):
        if not values[name].value:
            raise InputError(f"--{name} is missing. Usage: {READ_USAGE if read else MAKE_USAGE}")
    if read:
        _count_answers(values)
    else:
        _make_sheets(values)


def _make_sheets(values: flags.FlagValues) -> None:
    if values.names and values["pairs"].present:
        raise InputError("--names and --pairs are both given; expected one of them.")
    texts = [values.ours, *values.against]
    names = [text.partition("=")[0] for text in texts]
    refuse_twice("ours with --against", names)
    sets = open_pair_sets(values.data)
    common = methods_of_all_sets(texts)
    chosen = named_pairs(sets, values.names) if values.names else spread_pairs(sets, values.pairs, values.seed)
    methods = [
        {name: method_of_set(text, common, pairs) for name, text in zip(names, texts, strict=True)} for pairs in chosen
    ]
    key = make_key(chosen, names[0], names[1:], values.seed)
    with StopRequest() as stop:
        write_sheets(values.out, key, chosen, methods, values.per_page, stop.check)
    out = Path(values.out)
    print(f"{len(key.sheets)} sheets of {len(key.pairs)} pairs: {out}")
    print(f"For those who look at them: {out / INSTRUCTIONS}, {out / ANSWERS}")


def _count_answers(values: flags.FlagValues) -> None:
    refuse_twice("answers", values.answers)
    key = read_key(values.key)
    found = preferences(key, {path: read_answers(path, key.sheets) for path in values.answers})
    print(preference_text(found))
    if values.out:
        write_preferences(values.out, found)
        print(f"\nTable: {Path(values.out) / 'preference.md'}")


def _define(values: flags.FlagValues) -> None:
    flags.DEFINE_list("data", None, DATA_HELP, flag_values=values)
    flags.DEFINE_string("ours", None, "the method that is compared with those of --against", flag_values=values)
    flags.DEFINE_list("against", None, METHODS_HELP, flag_values=values)
    text = "pairs in all, spread evenly over the sets and over day and night"
    flags.DEFINE_integer("pairs", PAIRS, text, lower_bound=1, flag_values=values)
    flags.DEFINE_string("names", None, "file with the pairs to take, one SET/NAME a line", flag_values=values)
    text = "sheets of one image file, one below the other"
    flags.DEFINE_integer("per_page", 1, text, lower_bound=1, flag_values=values)
    text = "of the random sides, the order of the sheets, and the pairs"
    flags.DEFINE_integer("seed", 0, text, lower_bound=0, flag_values=values)
    flags.DEFINE_string("key", None, "folder of the sheets, or its subfolder key", flag_values=values)
    flags.DEFINE_list("answers", None, f"filled {ANSWERS} of one or more people", flag_values=values)
    text = "folder that receives the sheets; with --answers: preference.json and preference.md"
    flags.DEFINE_string("out", None, text, flag_values=values)
