"""The leaderboard of evaluate.py (--ir, --vis): ranks the fused images of any methods."""

import os
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from absl import flags

from bilevel_jax.errors import InputError
from bilevel_jax.evaluation.appearance.appearance_page import with_appearance
from bilevel_jax.evaluation.appearance.appearance_table import appearance_text, make_table, write_appearance
from bilevel_jax.evaluation.appearance.measure_set import measure_set
from bilevel_jax.evaluation.appearance.methods import folder_method, named_method
from bilevel_jax.evaluation.appearance.pair_set import set_of_files
from bilevel_jax.evaluation.leaderboard.image_scores import score_images
from bilevel_jax.evaluation.leaderboard.leaderboard import make_leaderboard
from bilevel_jax.evaluation.leaderboard.leaderboard_report import leaderboard_report
from bilevel_jax.evaluation.leaderboard.leaderboard_text import leaderboard_text, write_leaderboard
from bilevel_jax.evaluation.leaderboard.score_file import read_scores
from bilevel_jax.images.trivial_fusion import TRIVIAL_METHODS
from bilevel_jax.inference import ImageFuser, named_fuser
from bilevel_jax.inference.folder import fuse_files
from bilevel_jax.inference.method_names import METHOD_OPTIONS, parse_method_name
from bilevel_jax.inference.pairing import find_pairs
from bilevel_jax.inference.pretrained import KIND, is_pretrained, name_in
from bilevel_jax.metrics.fusion import FAMILIES
from bilevel_jax.report.html import write_report
from bilevel_jax.training.signals import StopRequest

USAGE = (
    "python experiments/evaluate.py --fused=[NAME=]DIR|pretrained [--fused=...] --ir=DIR --vis=DIR [--published=CSV] "
    "[--family=paper|vifb] [--boxes=DIR] [--out=DIR] [--report=DIR]"
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
    text = "folder of YOLO text files by the stem of the images, for the appearance of objects"
    flags.DEFINE_string("boxes", None, text, flag_values=values)
    text = "folder that receives per_image.csv, and leaderboard and appearance as .json and .md"
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
    pairs = find_pairs(values.ir, values.vis)
    shown = set_of_files(pairs, Path(values.ir).resolve().parent.name, Path(values.boxes) if values.boxes else None)
    with ExitStack() as opened:
        folders, fusers = _folders(values, rules, opened)
        with StopRequest() as stop:
            scores = score_images(values.ir, values.vis, folders, rules, values.family, stop.check)
            methods = [folder_method(name, folder, shown, fusers.get(name)) for name, folder in folders.items()]
            groups = measure_set(shown, [*methods, *map(named_method, rules)], stop.check)
        appearance = make_table(groups)
        board = make_leaderboard(scores, rules, values.family, published, values.seed)
        if values.out is not None:
            write_leaderboard(values.out, board)
            write_appearance(values.out, appearance)
        print(leaderboard_text(board))
        print(f"\n{appearance_text(appearance)}")
        if values.out is not None:
            print(f"\nFigures of every image: {Path(values.out) / 'per_image.csv'}")
        if values.report is not None:
            page = with_appearance(leaderboard_report(board, pairs, folders), appearance, highlighted=list(folders))
            write_report(Path(values.report) / "index.html", page)
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


def _folders(
    values: flags.FlagValues, rules: Sequence[str], opened: ExitStack
) -> tuple[dict[str, Path], dict[str, ImageFuser]]:
    """Method -> folder of its images, and method -> its fuser where that is known.

    The weights of the package fuse the pairs now, into --out. Without --out they fuse into a temporary
    folder, which is removed when `opened` closes.
    """
    asked = [text for text in values.fused if is_pretrained(text.partition("+")[0])]
    folders = named_folders([text for text in values.fused if text not in asked], "fused", reserved=rules)
    fusers: dict[str, ImageFuser] = {}
    for text in asked:
        name = parse_method_name(text, (KIND,))
        method = str(name._replace(base=name_in(name.base) or KIND))
        if method in folders:
            raise InputError(f"--fused has {method!r} twice; expected NAME=FOLDER with another name.")
        place = values.out or opened.enter_context(tempfile.TemporaryDirectory())
        folders[method] = Path(place) / "fused" / method
        fusers[method] = named_fuser(text)
        fuse_files(fusers[method], values.ir, values.vis, folders[method])
    return folders, fusers
