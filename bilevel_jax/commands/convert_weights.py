"""The commands `convert.py export` and `import`: from a run to one safetensors file, and from the file to a run."""

import json
from collections.abc import Sequence
from pathlib import Path

import jax
import numpy as np
from absl import flags

from bilevel_jax.atomic import write_json, write_text
from bilevel_jax.checkpoints.save import IMPORTED, Run
from bilevel_jax.checkpoints.weights import (
    DTYPES,
    FUSION,
    PARTS,
    moved_toward,
    read_weights,
    task_of_part,
    weights_of_run,
    write_weights,
)
from bilevel_jax.command_line import define_checkpoint_flag, parse_flags
from bilevel_jax.errors import InputError

EXPORT_USAGE = (
    f"python experiments/convert.py export --workdir=RUN --out=FILE.safetensors [--parts={','.join(PARTS)},TASK] "
    f"[--dtype={'|'.join(DTYPES)}] [--toward=FILE.safetensors --by=SHARE]\n"
    "Writes parameters of a run to one file, for fuse.py --weights or another training."
)
IMPORT_USAGE = """python experiments/convert.py import --weights=FILE.safetensors --workdir=RUN
Makes the folder of a run from exported weights, for fuse.py and evaluate.py."""


def export_command(argv: Sequence[str]) -> None:
    """Writes parameters of a run's checkpoint to a safetensors file."""

    def define(values: flags.FlagValues) -> None:
        flags.DEFINE_string("workdir", None, "folder of a training run", flag_values=values)
        define_checkpoint_flag(values)
        flags.DEFINE_string("out", None, "file that receives the weights: NAME.safetensors", flag_values=values)
        text = f"which networks: some of {', '.join(PARTS)}, and names of further tasks"
        flags.DEFINE_list("parts", [FUSION], text, flag_values=values)
        flags.DEFINE_enum("dtype", "float32", list(DTYPES), "type of the arrays in the file", flag_values=values)
        text = "other weights to move the run's parameters to, such as those that the run started from"
        flags.DEFINE_string("toward", None, text, flag_values=values)
        flags.DEFINE_float("by", 0.0, "share of the way to --toward, in [0, 1]", 0.0, 1.0, flag_values=values)

    values = parse_flags(define, argv, EXPORT_USAGE, required=["workdir", "out"])
    if not values.out.endswith(".safetensors"):
        raise InputError(f"--out={values.out}; expected a file name that ends in .safetensors.")
    weights = weights_of_run(values.workdir, values.checkpoint)
    for part in values.parts:
        if part not in weights.parts:
            has = ", ".join(weights.parts)
            raise InputError(f"--parts has {part!r}; expected some of {has}, the networks of {values.workdir}.")
    weights = weights._replace(parts={part: params for part, params in weights.parts.items() if part in values.parts})
    if bool(values.toward) != bool(values.by):
        raise InputError("--toward and --by belong together; expected both or neither.")
    if values.toward:
        weights = moved_toward(weights, read_weights(values.toward), values.by)
    size = write_weights(values.out, weights, values.dtype)
    for part, params in weights.parts.items():
        print(f"{part}: {sum(np.size(leaf) for leaf in jax.tree.leaves(params)):,} parameters")
    print(f"Step {weights.step} of {values.workdir} as {values.dtype} in {values.out}: {size / 1e6:.2f} MB")


def import_command(argv: Sequence[str]) -> None:
    """Makes the folder of a run from a file that `export` wrote, for fuse.py and evaluate.py."""

    def define(values: flags.FlagValues) -> None:
        flags.DEFINE_string("weights", None, "file that convert.py export made", flag_values=values)
        flags.DEFINE_string("workdir", None, "folder of the new run; it must not hold a run yet", flag_values=values)

    values = parse_flags(define, argv, IMPORT_USAGE, required=["weights", "workdir"])
    weights, workdir = read_weights(values.weights), Path(values.workdir)
    if FUSION not in weights.parts:
        raise InputError(f"{values.weights} has only {', '.join(weights.parts)}; expected the part fusion too.")
    if (workdir / "config.json").exists():
        raise InputError(f"{workdir} holds a run already; expected another --workdir.")
    config = weights.config
    if "data" in config and config.data.get("name", "scenes") != "scenes":
        # The file holds no data. With the built-in scenes no command looks for the data of the training.
        print(f"The network was trained on {config.data.name}, and the file holds no data: evaluate.py needs --data.")
        config.data.name = "scenes"
    if "initial" in config:
        config.initial.run = ""  # the run that this one started from is not here
    state = {
        "step": np.int32(weights.step),
        "outer_params": weights.parts[FUSION],
        "inner_params": {task_of_part(part): params for part, params in weights.parts.items() if part != FUSION},
    }
    run = Run(workdir, config)
    try:
        write_json(workdir / "classes.json", weights.classes)
        write_text(workdir / IMPORTED, json.dumps({"file": Path(values.weights).name, "code": weights.code}) + "\n")
        run.save(weights.step, state, {}, wait=True)
    finally:
        run.close()
    print(f"Step {weights.step} of {values.weights} is in {workdir}: use fuse.py or evaluate.py --workdir={workdir}")
