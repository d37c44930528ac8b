"""The leaderboard of evaluate.py (--ir, --vis): ranks the fused images of any methods."""

import os
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from absl import flags

from bilevel_jax.errors import InputError
from bilevel_jax.evaluation.leaderboard.image_scores import score_images
from bilevel_jax.evaluation.leaderboard.leaderboard import make_leaderboard
from bilevel_jax.evaluation.leaderboard.leaderboard_report import leaderboard_report
from bilevel_jax.evaluation.leaderboard.leaderboard_text import leaderboard_text, write_leaderboard
from bilevel_jax.evaluation.leaderboard.score_file import read_scores
from bilevel_jax.images.trivial_fusion import TRIVIAL_METHODS
from bilevel_jax.inference import named_fuser
from bilevel_jax.inference.folder import find_pairs, fuse_files
from bilevel_jax.inference.method_names import METHOD_OPTIONS, parse_method_name
from bilevel_jax.inference.pretrained import KIND, is_pretrained, name_in
from bilevel_jax.metrics.fusion import FAMILIES
from bilevel_jax.report.html import write_report
from bilevel_jax.training.signals import StopRequest

USAGE = (
    "python experiments/evaluate.py --fused=[NAME=]DIR|pretrained [--fused=...] --ir=DIR --vis=DIR [--published=CSV] "
    "[--family=paper|vifb] [--out=DIR] [--report=DIR]"
)


def define_leaderboard_flags(values: flags.FlagValues) -> None:
    """Adds the flags of the leaderboard."""
    text = (
        "folder of a method's fused images, or NAME=FOLDER; pretrained (or pretrained:NAME, either with +COLOR) fuses "
    )
    text += "the pairs with the weights of the package first; may be given several times"
    flags.DEFINE_multi_string("fused", [], text, flag_values=values)
    text = f"the rules without learning that are made on the spot ({METHOD_OPTIONS})"
    flags.DEFINE_list("rules", list(TRIVIAL_METHODS), text, flag_values=values)
    flags.DEFINE_string("ir", None, "the infrared images that were fused", flag_values=values)
    flags.DEFINE_string("vis", None, "the visible images that were fused", flag_values=values)
    text = "CSV with other methods' figures, to rank the methods among them (columns image, method and one a metric)"
    flags.DEFINE_string("published", None, text, flag_values=values)
    flags.DEFINE_enum("family", "paper", list(FAMILIES), "family of metrics", flag_values=values)
    text = "folder that receives per_image.csv, leaderboard.json and leaderboard.md"
    flags.DEFINE_string("out", None, text, flag_values=values)
    flags.DEFINE_integer("seed", 0, "seed of the resampled images", lower_bound=0, flag_values=values)


def run_leaderboard(values: flags.FlagValues) -> None:
    """Scores, ranks and prints the methods that the flags name.

    Raises:
        InputError: --ir or --vis is missing, a rule is not known, two methods have the same name, or `score_images` or
            `read_scores` refuses its input.
        StopSignal: the command was stopped by a signal; nothing was written.
    """
    for name in ("ir", "vis"):
        if not values[name].value:
            raise InputError(f"--{name} is missing; expected the images that were fused. Usage: {USAGE}")
    published = None  # is read first, so that a bad file is named before minutes of scoring
    if values.published is not None:
        published = read_scores(values.published, list(find_pairs(values.ir, values.vis)))
    rules = list(dict.fromkeys(str(parse_method_name(rule)) for rule in values.rules))
    with ExitStack() as opened:
        folders = _folders(values, rules, opened)
        with StopRequest() as stop:
            scores = score_images(values.ir, values.vis, folders, rules, values.family, stop.check)
        board = make_leaderboard(scores, rules, values.family, published, values.seed)
        if values.out is not None:
            write_leaderboard(values.out, board)
        print(leaderboard_text(board))
        if values.out is not None:
            print(f"\nFigures of every image: {Path(values.out) / 'per_image.csv'}")
        if values.report is not None:
            pairs = find_pairs(values.ir, values.vis)
            write_report(Path(values.report) / "index.html", leaderboard_report(board, pairs, folders))
            print(f"Report: {Path(values.report) / 'index.html'}")


def named_folders(given: Sequence[str], flag: str, reserved: Sequence[str] = ()) -> dict[str, Path]:
    """Reads `FOLDER` or `NAME=FOLDER`: method -> folder. Without a name the method is called like its folder.

    Args:
        given: the texts.
        flag: the flag's name, for the message.
        reserved: names that are taken already.

    Raises:
        InputError: a name is empty, reserved, or given twice.
    """
    folders: dict[str, Path] = {}
    for text in given:
        name, found, folder = text.partition("=")
        path = Path(folder if found else text)
        name = name if found else path.name or os.path.basename(path.resolve())
        if name in folders or name in reserved or not name:
            taken = f"the folder {folders[name]}" if name in folders else "a method without learning"
            why = f"{taken} has that name already" if name else "the name is empty"
            raise InputError(f"--{flag}={text} is the method {name!r}, and {why}; expected --{flag}=NAME={path}.")
        folders[name] = path
    return folders


def _folders(values: flags.FlagValues, rules: Sequence[str], opened: ExitStack) -> dict[str, Path]:
    """Method -> folder of its images. The weights of the package fuse the pairs now, into --out.

    Without --out they fuse into a temporary folder, which is removed when `opened` closes.
    """
    asked = [text for text in values.fused if is_pretrained(text.partition("+")[0])]
    folders = named_folders([text for text in values.fused if text not in asked], "fused", reserved=rules)
    for text in asked:
        name = parse_method_name(text, (KIND,))
        method = str(name._replace(base=name_in(name.base) or KIND))
        if method in folders:
            raise InputError(f"--fused has {method!r} twice; expected NAME=FOLDER with another name.")
        place = values.out or opened.enter_context(tempfile.TemporaryDirectory())
        folders[method] = Path(place) / "fused" / method
        fuse_files(named_fuser(text), values.ir, values.vis, folders[method])
    return folders
