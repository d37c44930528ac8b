"""Writes the tables of the documents that are made from the registries of the package, one Markdown file each."""

import importlib
from pathlib import Path

from api_pages import write_changed

from bilevel_jax.training.config import SECTIONS
from bilevel_jax.training.config.key import Key

# File -> (module, function, arguments): a function that returns a Markdown table.
TABLES = {
    "weightings": ("bilevel_jax.bilevel.tables", "weighting_table"),
    "estimators": ("bilevel_jax.bilevel.tables", "estimator_table"),
    "fusion_losses": ("bilevel_jax.losses.tables", "terms_table"),
    "targets": ("bilevel_jax.losses.tables", "targets_table"),
    "adversarial_losses": ("bilevel_jax.losses.tables", "adversarial_table"),
    "measures": ("bilevel_jax.metrics.tables", "measures_table", "paper"),
    "vifb_measures": ("bilevel_jax.metrics.tables", "measures_table", "vifb"),
    "appearance_measures": ("bilevel_jax.metrics.tables", "appearance_table"),
    "semantic_figures": ("bilevel_jax.metrics.tables", "figures_table"),
    "rules": ("bilevel_jax.images.tables", "rules_table"),
    "colors": ("bilevel_jax.images.tables", "colors_table"),
    "file_formats": ("bilevel_jax.images.tables", "formats_table"),
    "alignments": ("bilevel_jax.registration.tables", "kinds_table"),
    "video_containers": ("bilevel_jax.serving.video", "containers_table"),
    "fusion_networks": ("bilevel_jax.models.tables", "fusion_table"),
    "discriminators": ("bilevel_jax.models.tables", "discriminator_table"),
    "real_images": ("bilevel_jax.training.tasks.real_images", "real_images_table"),
    "semantic_networks": ("bilevel_jax.models.tables", "semantic_table"),
    "detector_makes": ("bilevel_jax.evaluation.judges.registry", "makes_table"),
    "judge_classes": ("bilevel_jax.evaluation.judges.segmented_classes", "conventions_table"),
    "disturbances": ("bilevel_jax.evaluation.judges.disturbances", "disturbances_table"),
    "onnx_operators": ("bilevel_jax.models.tables", "operator_table"),
    "data_sets": ("bilevel_jax.data.builders", "data_set_table"),
}


def write_tables(folder: Path) -> None:
    """Writes FOLDER/NAME.md for every table of `TABLES`, and configuration.md with every key of the configuration."""
    folder.mkdir(parents=True, exist_ok=True)
    texts = {name: table(*call) for name, call in TABLES.items()}
    texts["configuration"] = configuration()
    write_changed(texts, folder)


def table(module: str, function: str, *arguments: str) -> str:
    return getattr(importlib.import_module(module), function)(*arguments) + "\n"


def configuration() -> str:
    """Every key with its default and its help, in one table for each subject."""
    lines = []
    for section in SECTIONS:
        lines += [
            f"## {section.title[0].upper() + section.title[1:]}",
            "",
            "| key | default | meaning |",
            "|---|---|---|",
        ]
        for key in section.keys:
            default = "" if key.default is None else f"`{key.default!r}`"
            lines.append(f"| `{key.name}` | {default} | {cell(meaning(key))} |")
        lines.append("")
    return "\n".join(lines)


def meaning(key: Key) -> str:
    """A key's help text, and what the key accepts."""
    text = (key.help() if callable(key.help) else key.help).rstrip(".")
    choices = {name or "''": what for name, what in key.check.choices.items()}
    if any(choices.values()):
        listed = "; ".join(f"`{name}`: {what}" if what else f"`{name}`" for name, what in choices.items())
        return f"{text}. One of: {listed}"
    if choices:
        return f"{text}. One of {', '.join(f'`{name}`' for name in choices)}"
    return f"{text}; {key.check.expected}" if key.check.expected else text


def cell(text: str) -> str:
    """A text that may stand in a cell of a Markdown table."""
    return text.replace("|", "\\|").replace("<", "\\<").replace("*", "\\*")
