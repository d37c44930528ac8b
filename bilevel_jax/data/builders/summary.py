"""What a prepared data set holds, counted, and what was left out with the reason."""

from collections import Counter
from typing import Any

from bilevel_jax.data.builders.examples import SIZE_EDGES
from bilevel_jax.data.builders.pair_builder import PairBuilder

SHOWN = 10


def summarize(builder: PairBuilder) -> dict[str, Any]:
    """The summary of a builder whose examples have been made, as JSON takes it.

    Keys: "dataset", "title", "source", "held_out", "class_names", "label_names"; "splits": per split the number of
    pairs, of pairs with boxes and with labels, the groups, the most boxes of one pair, the boxes of each class, the
    labelled pixels of each class, boxes by size (`size_edges`), and image sizes; "rejected": split, name and reason;
    "notes".
    """
    splits = {}
    for split, pairs in builder.scan.splits.items():
        facts = [(pair, builder.facts[split, pair.name]) for pair in pairs if (split, pair.name) in builder.facts]
        boxes, pixels, sizes = Counter(), Counter(), [0] * len(SIZE_EDGES)
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
        "rejected": [entry._asdict() for entry in builder.scan.rejected],
        "notes": builder.scan.notes,
    }


def summary_text(summary: dict[str, Any], most: int = SHOWN) -> str:
    """The summary for a person: a line or two a split, then what was rejected, up to `most` of them."""
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
    lines += _some(summary["notes"], most, "note", lambda note: note)
    lines += _some(
        summary["rejected"],
        most,
        "rejected",
        lambda entry: f"{entry['split'] or '-'} {entry['name']}: {entry['reason']}",
    )
    return "\n".join(lines)


def _by_name(pixels: Counter, names: tuple[str, ...]) -> dict[str, int]:
    if names:
        return {name: pixels[number] for number, name in enumerate(names)}
    return {str(number): count for number, count in sorted(pixels.items()) if count}


def _some(entries: list, most: int, what: str, text: Any) -> list[str]:
    lines = [f"{what}: {text(entry)}" for entry in entries[:most]]
    if len(entries) > most:
        lines.append(f"{what}: {len(entries) - most} more, see summary.json")
    return lines
