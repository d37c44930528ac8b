"""Parses command lines with absl. A mistake ends in one sentence and exit code 2, `--help` in exit code 0."""

import difflib
import re
from collections.abc import Callable, Sequence
from pathlib import Path

from absl import flags
from ml_collections import ConfigDict, config_flags

from bilevel_jax.compilation import keep_compiled_programs, refuse_wrong_sums
from bilevel_jax.errors import HelpShown, InputError


def parse_flags(
    define: Callable[[flags.FlagValues], None],
    argv: Sequence[str],
    usage: str,
    required: Sequence[str] = (),
    compilation_cache: str = "",
    more_help: Callable[[flags.FlagValues], str] = lambda values: "",
) -> flags.FlagValues:
    """Parses a command line, and opens the compilation cache for the command that goes on from here.

    Args:
        define: adds the command's own flags; the flags of every command are added here.
        argv: the command line, with the program's name first.
        usage: how the command is called; its first line stands in error messages.
        required: names of flags that must be given.
        compilation_cache: default of `--compilation_cache`, "off" for a command that measures compilation.
        more_help: what `--help` prints after the flags.

    Raises:
        InputError: an unknown flag (the nearest one is named), a bad value, a missing flag, or an argument that is not
            a flag; or the installed jaxlib computes wrongly.
        HelpShown: `--help` was given, and its text was printed.
    """
    values = flags.FlagValues()
    try:
        define(values)
        flags.DEFINE_bool("help", False, "show this help", short_name="h", flag_values=values)
        flags.DEFINE_string(
            "compilation_cache",
            compilation_cache,
            "folder for compiled programs, which the next start then loads, or off (default: ~/.cache/bilevel_jax/xla)",
            flag_values=values,
        )
        rest = values(list(argv))
    except flags.Error as error:
        raise InputError(f"{str(error).rstrip('. ')}.") from error
    if values.help:
        parts = [usage, values.main_module_help() or values.get_help(), more_help(values)]
        print("\n\n".join(part for part in parts if part))
        raise HelpShown
    if len(rest) > 1:
        raise InputError(f"{rest[1]!r} is no flag; expected --name=value.")
    for name in required:
        if values[name].value is None:
            raise InputError(f"--{name} is missing. Usage: {usage.splitlines()[0]}")
    refuse_wrong_sums()
    keep_compiled_programs(values.compilation_cache)
    return values


def define_config_flag(values: flags.FlagValues, argv: Sequence[str]) -> None:
    """Adds `--config=FILE.py` and its overrides `--config.a.b=value`, and reads the file.

    Args:
        values: where the flags go.
        argv: the command line, which names the file and the overrides.

    Raises:
        InputError: the file does not exist or cannot be read, or an override names a key that the configuration does
            not have.
    """
    holder = flags.FlagValues()
    config_flags.DEFINE_config_file("config", None, "a Python file with get_config()", flag_values=holder, sys_argv=[])
    path = next((m[1] for m in (re.match(r"--?config=(.*)", a) for a in argv) if m), None)
    if path is not None:
        if not Path(path.split(":")[0]).is_file():
            raise InputError(f"--config={path}: there is no such file; expected a Python file with get_config().")
        try:
            holder([argv[0], f"--config={path}"])
            known = config_keys(holder.config)
        except Exception as error:  # whatever a user's own Python file may raise
            raise InputError(f"--config={path} cannot be read: {type(error).__name__}: {error}.") from error
        for argument in argv:
            match = re.match(r"--?config\.([^=]+)", argument)
            if match and match[1] not in known:
                raise InputError(f"config.{match[1]} does not exist{nearest_key(match[1], known)}")
    config_flags.DEFINE_config_file(
        "config", None, "a Python file with get_config()", flag_values=values, sys_argv=list(argv), lock_config=False
    )


def define_checkpoint_flag(values: flags.FlagValues) -> None:
    """Adds `--checkpoint`, which says which checkpoint of --workdir is read; see `checkpoints.load_run`."""
    text = "best, newest or a step of --workdir (default: the best where the run keeps it, else the newest)"
    flags.DEFINE_string("checkpoint", "", text, flag_values=values)


def define_report_flag(values: flags.FlagValues) -> None:
    """Adds `--report`, the folder into which a report page is written."""
    flags.DEFINE_string("report", None, "folder that receives a page, index.html", flag_values=values)


def print_report(values: flags.FlagValues) -> None:
    """Prints where the report page is, where `--report` asked for one."""
    if values.report is not None:
        print(f"Report: {Path(values.report) / 'index.html'}")


def config_keys(config: ConfigDict, prefix: str = "") -> list[str]:
    """Returns every key of a configuration, nested ones as "a.b" and the blocks themselves too."""
    keys = []
    for key, value in config.items():
        keys.append(prefix + key)
        if isinstance(value, ConfigDict):
            keys += config_keys(value, f"{prefix}{key}.")
    return keys


def nearest_key(key: str, known: Sequence[str]) -> str:
    """Returns the end of a sentence, which proposes the nearest of the known keys where one is near."""
    by_leaf = {k.rsplit(".", 1)[-1]: k for k in known}
    near = difflib.get_close_matches(key, known, n=1) or [
        by_leaf[leaf] for leaf in difflib.get_close_matches(key.rsplit(".", 1)[-1], list(by_leaf), n=1)
    ]
    return f"; did you mean config.{near[0]}?" if near else "."


def height_and_width(flag: str, texts: Sequence[str]) -> tuple[int, int]:
    """Returns the two numbers of a list flag such as --crop=256,256.

    Raises:
        InputError: the flag does not hold two whole numbers of at least 1.
    """
    size = tuple(int(text) if text.isdigit() else 0 for text in texts)
    if len(size) != 2 or min(size) < 1:
        raise InputError(f"--{flag} is {','.join(texts)!r}; expected a height and a width in pixels, such as 256,256.")
    return size


def refuse_twice(flag: str, names: Sequence[str]) -> None:
    """Raises InputError where a flag has a name twice, or an empty one."""
    for i, name in enumerate(names):
        if not name or name in names[:i]:
            what = f"{name!r} twice" if name else "an empty name"
            raise InputError(f"--{flag} has {what}; expected different names.")


def read_seeds(given: Sequence[str]) -> list[int]:
    """Returns the numbers of --seeds.

    Raises:
        InputError: they are not whole numbers from 0 on, or two are equal.
    """
    try:
        seeds = [int(text) for text in given]
    except ValueError:
        raise InputError(f"--seeds={','.join(given)} are not whole numbers; expected such as 0,1,2.") from None
    if not seeds or min(seeds) < 0 or len(set(seeds)) < len(seeds):
        raise InputError(f"--seeds={','.join(given)}; expected different numbers from 0 on.")
    return seeds
