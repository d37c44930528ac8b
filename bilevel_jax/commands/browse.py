"""browse.py: a data set as one HTML sheet, to see whether boxes and labels lie where they should."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from absl import flags
from tqdm import tqdm

from bilevel_jax.command_line import parse_flags
from bilevel_jax.commands.prepare import define_options, read_options
from bilevel_jax.data.builders import SCENES, data_set_help
from bilevel_jax.data.builders.make_example import SIZE_EDGES, count_pixels, count_sizes
from bilevel_jax.data.builders.prepare import prepare
from bilevel_jax.data.scenes import SceneSource
from bilevel_jax.data.sources.prepared import PreparedSource
from bilevel_jax.data.sources.source import Source
from bilevel_jax.data.sources.summary import SplitSummary, Summary, is_prepared, read_summary
from bilevel_jax.errors import InputError
from bilevel_jax.report.data_sheet import ShownPair, write_data_sheet

USAGE = (
    "python experiments/browse.py --dataset=NAME --source=DIR [--out=FILE.html] [--split=SPLIT] [--num=24]\n"
    "Writes one HTML file: pairs with boxes and label borders, counts, and what was rejected. --source is a download\n"
    f"as it was unpacked, or what prepare.py made of it; {SCENES} needs none.\n"
    f"Data sets:\n{data_set_help()}"
)


def browse_command(argv: Sequence[str]) -> None:
    """Writes the sheet of a data set and prints where it is."""

    def define(values: flags.FlagValues) -> None:
        define_options(values)
        flags.DEFINE_string("out", None, "the HTML file (default: runs/browse/DATASET.html)", flag_values=values)
        flags.DEFINE_string("split", "", "show pairs of this split (default: of all)", flag_values=values)
        flags.DEFINE_integer("num", 24, "how many pairs are shown", lower_bound=1, flag_values=values)
        flags.DEFINE_list("names", [], "show the pairs of these names instead", flag_values=values)

    values = parse_flags(define, argv, USAGE, required=["dataset"])
    summary, parts = _opened(values)
    places = _choose(parts, values.num, values.names)
    bar = tqdm(places, desc="reading", unit="pair", leave=False, dynamic_ncols=True)
    pairs = [ShownPair(f"{split}: {parts[split].names[i]}", parts[split][i]) for split, i in bar]
    out = Path(values.out or Path("runs") / "browse" / f"{values.dataset}.html")
    write_data_sheet(out, summary, pairs)
    print(f"{len(pairs)} of {sum(map(len, parts.values()))} pairs are shown in {out}")


def _opened(values: flags.FlagValues) -> tuple[Summary, dict[str, Source]]:
    """Returns the data set's summary, and its splits that are shown."""
    if values.dataset == SCENES:
        scenes = SceneSource(100, seed=values.seed)
        return _summarize(scenes), {SCENES: scenes}
    if not values.source:
        raise InputError("--source is missing: the folder of the data set as it was unpacked, or prepared.")
    given = Path(values.source).expanduser()
    root = given if is_prepared(given) else prepare(values.dataset, given, options=read_options(values))
    summary = read_summary(root)
    splits = [values.split] if values.split else list(summary["splits"])
    return summary, {split: PreparedSource(root, split) for split in splits}


def _choose(parts: Mapping[str, Source], num: int, names: Sequence[str]) -> list[tuple[str, int]]:
    """Returns (split, number) of the pairs that are shown: those of these names, or `num` of all, spread evenly."""
    every = [(split, i) for split, source in parts.items() for i in range(len(source))]
    if names:
        chosen = [(split, i) for split, i in every if parts[split].names[i] in names]
        missing = set(names) - {parts[split].names[i] for split, i in chosen}
        if missing:
            raise InputError(f"--names has {min(missing)!r}, expected names of pairs in {', '.join(parts)}.")
        return chosen
    return [every[i] for i in np.unique(np.linspace(0, len(every) - 1, min(num, len(every))).round().astype(int))]


def _summarize(source: SceneSource) -> Summary:
    """Counts the built-in scenes as a prepared data set is counted."""
    boxes, pixels, sizes = Counter[str](), np.zeros(len(source.label_names), int), np.zeros(len(SIZE_EDGES), int)
    for sample in tqdm(source, desc="counting", unit="scene", leave=False, dynamic_ncols=True):
        boxes.update(source.class_names[c] for c in sample["classes"])
        pixels += count_pixels(sample["labels"], len(pixels))
        sizes += count_sizes(sample["boxes"])
    counted: SplitSummary = {
        "pairs": len(source),
        "with_boxes": len(source),
        "with_labels": len(source),
        "groups": dict(Counter(source.groups)),
        "boxes": {name: boxes[name] for name in source.class_names},
        "pixels": dict(zip(source.label_names, pixels.tolist(), strict=True)),
        "box_sizes": sizes.tolist(),
        "image_sizes": {f"{source.width} x {source.height}": len(source)},
    }
    return {
        "dataset": SCENES,
        "title": "Built-in scenes",
        "source": repr(source),
        "held_out": SCENES,
        "class_names": list(source.class_names),
        "label_names": list(source.label_names),
        "size_edges": list(SIZE_EDGES),
        "splits": {SCENES: counted},
        "rejected": [],
        "notes": [],
    }
