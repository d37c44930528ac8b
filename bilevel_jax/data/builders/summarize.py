"""Counting what a prepared data set holds, and the counts as text."""

from collections import Counter
from collections.abc import Sequence

from bilevel_jax.data.builders.make_example import SIZE_EDGES
from bilevel_jax.data.builders.pair_builder import PairBuilder
from bilevel_jax.data.sources.summary import RejectedPair, SplitSummary, Summary

SHOWN = 10


def summarize(builder: PairBuilder) -> Summary:
    """Counts what a builder has made, when all its examples have been made."""
    splits: dict[str, SplitSummary] = {}
    for split, pairs in builder.scan.splits.items():
        facts = [(pair, builder.facts[split, pair.name]) for pair in pairs if (split, pair.name) in builder.facts]
        boxes, pixels = Counter[int](), Counter[int]()
        sizes = [0] * len(SIZE_EDGES)
        for _, fact in facts:
            boxes.update(dict(enumerate(fact.boxes)))
            pixels.update(dict(enumerate(fact.pixels)))
            sizes = [total + count for total, count in zip(sizes, fact.sizes, strict=True)]
        shapes = Counter(f"{width} x {height}" for _, fact in facts for height, width in [fact.size])
        splits[split] = {
            "pairs": len(facts),
            "with_boxes": sum(pair.boxes is not None for pair, _ in facts),
            "with_labels": sum(pair.labels is not None for pair, _ in facts),
            "groups": dict(Counter(pair.group for pair, _ in facts if pair.group)),
            "most_boxes": max((sum(fact.boxes) for _, fact in facts), default=0),
            "boxes": {name: boxes[number] for number, name in enumerate(builder.class_names)},
            "pixels": _by_name(pixels, builder.label_names),
            "box_sizes": sizes,
            "image_sizes": dict(shapes.most_common(SHOWN)),
        }
    return {
        "dataset": builder.name,
        "title": builder.title,
        "source": str(builder.root.absolute()),
        "held_out": builder.held_out_split(),
        "class_names": list(builder.class_names),
        "label_names": list(builder.label_names),
        "size_edges": list(SIZE_EDGES),
        "splits": splits,
        "rejected": [RejectedPair(split=e.split, name=e.name, reason=e.reason) for e in builder.scan.rejected],
        "notes": builder.scan.notes,
    }


def summary_text(summary: Summary, most: int = SHOWN) -> str:
    """Returns a summary as text: a few lines a split, then up to `most` notes and as many rejected pairs."""
    lines = []
    for split, count in summary["splits"].items():
        groups = "".join(f", {number} {group}" for group, number in count["groups"].items())
        shapes = ", ".join(count["image_sizes"]) + (", ..." if len(count["image_sizes"]) == SHOWN else "")
        lines.append(f"{split}: {count['pairs']} pairs{groups} ({shapes})")
        if count["with_boxes"]:
            boxes = ", ".join(f"{number} {name}" for name, number in count["boxes"].items())
            lines.append(f"  {count['with_boxes']} with boxes: {boxes}")
        if count["with_labels"]:
            total = max(1, sum(count["pixels"].values()))
            shares = ", ".join(f"{name} {100 * number / total:.2g} %" for name, number in count["pixels"].items())
            lines.append(f"  {count['with_labels']} with label maps: {shares}")
    lines += _some("note", summary["notes"], most)
    rejected = [f"{entry['split'] or '-'} {entry['name']}: {entry['reason']}" for entry in summary["rejected"]]
    lines += _some("rejected", rejected, most)
    return "\n".join(lines)


def _by_name(pixels: Counter[int], names: tuple[str, ...]) -> dict[str, int]:
    if names:
        return {name: pixels[number] for number, name in enumerate(names)}
    return {str(number): count for number, count in sorted(pixels.items()) if count}


def _some(what: str, sentences: Sequence[str], most: int) -> list[str]:
    lines = [f"{what}: {sentence}" for sentence in sentences[:most]]
    if len(sentences) > most:
        lines.append(f"{what}: {len(sentences) - most} more, see summary.json")
    return lines
