"""Compilation: the jaxlib version that is refused, compiler options for CPUs, and the cache of compiled programs."""

import contextlib
import hashlib
import importlib.metadata
import importlib.util
import os
import platform
import shutil
import sys
import time
import zlib
from pathlib import Path

from bilevel_jax.cache_folder import cache_folder
from bilevel_jax.errors import InputError

WRONG_SUMS = "0.10.2"  # this jaxlib compiles some sums wrongly on a CPU: github.com/jax-ml/jax/issues/39103
# Older versions of jaxlib log two lines of 2.5 kB as an error for every program that a CPU loads from the cache. It is
# no error (github.com/jax-ml/jax/issues/38445: they compare the compiler's preferences with the features of the CPU).
QUIET_SINCE = (0, 10, 2)

MAX_BYTES = 2 * 2**30
SHORTEST_COMPILATION = 0.1  # seconds; a program that compiles faster is not kept, because reading it takes as long
UNUSED_DAYS = 30  # after this time the programs of another jaxlib or CPU are removed
LOCK_SECONDS = 10


def compiler_options() -> dict[str, int]:
    """Options for `jax.jit(compiler_options=...)` of training steps and initialisations; {} except on a CPU.

    On a CPU they choose LLVM's first optimisation level instead of the third. Our programs then compile much faster and
    run about as fast (docs/results has the figures). An optimisation level in XLA_FLAGS has precedence.
    """
    import jax

    if jax.default_backend() != "cpu" or "xla_backend_optimization_level" in os.environ.get("XLA_FLAGS", ""):
        return {}
    return {"xla_backend_optimization_level": 1}


def refuse_wrong_sums() -> None:
    """Raises InputError if programs would run on a CPU and the installed jaxlib computes some sums wrongly there."""
    import jaxlib

    if jaxlib.__version__ == WRONG_SUMS and _runs_on_cpu():
        raise InputError(
            f"jaxlib {WRONG_SUMS} is installed; it computes wrong sums on a CPU "
            "(github.com/jax-ml/jax/issues/39103); expected another version: pip install 'jax!=0.10.2'."
        )


def hide_false_errors() -> None:
    """Raises the log level if the installed jaxlib reports every cached program of a CPU as an error.

    Call it before JAX is imported. A log level that the user has set stays. Real errors of XLA still reach Python as
    exceptions.
    """
    version = tuple(int(part) for part in importlib.metadata.version("jaxlib").split(".")[:3] if part.isdigit())
    if version < QUIET_SINCE and _runs_on_cpu():
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def keep_compiled_programs(where: str = "") -> Path | None:
    """Switches JAX's persistent compilation cache on: a program that one process compiled is loaded by the next one.

    Each version of jaxlib and each type of CPU has a folder of its own, so that no program runs on a machine that it
    was not compiled for. When a folder has reached MAX_BYTES, the programs that were unused longest are removed.
    Several processes may share a folder: JAX locks it. A damaged file, such as one that a kill has cut short, is
    removed at the next start, and its program is compiled again.

    Args:
        where: the parent of these folders; "" = $XDG_CACHE_HOME/bilevel_jax/xla or ~/.cache/bilevel_jax/xla; "off" = no
            cache. JAX's own setting (JAX_COMPILATION_CACHE_DIR) has precedence over "".

    Returns:
        The folder; None if the cache is off, is left to JAX's own setting, or cannot be written (a note on stderr says
        so).
    """
    import jax

    if where == "off":
        jax.config.update("jax_enable_compilation_cache", False)
        return None
    # jax declares most settings only at run time, so their types are not known.
    if not where and jax.config.jax_compilation_cache_dir:  # type: ignore[attr-defined]
        return None
    if importlib.util.find_spec("filelock") is None:
        print("note: compiled programs are not kept: pip install filelock.", file=sys.stderr, flush=True)
        return None
    root = Path(where).expanduser().absolute() if where else cache_folder() / "xla"
    folder = root / f"jaxlib-{importlib.metadata.version('jaxlib')}-{_cpu_type()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        remove_damaged(folder)
        _remove_unused(root, folder)
    except OSError as error:  # filelock's Timeout is one too
        print(
            f"note: compiled programs are not kept, {folder} cannot be used: {error}; choose another folder with "
            "--compilation_cache=DIR, or hide this note with --compilation_cache=off.",
            file=sys.stderr,
            flush=True,
        )
        return None
    jax.config.update("jax_enable_compilation_cache", True)
    jax.config.update("jax_compilation_cache_dir", str(folder))
    jax.config.update("jax_compilation_cache_max_size", MAX_BYTES)
    jax.config.update("jax_persistent_cache_min_compile_time_secs", SHORTEST_COMPILATION)
    return folder


def remove_damaged(folder: Path) -> list[str]:
    """Removes programs of a cache folder that cannot be unpacked, and mends what an interrupted process left behind.

    It checks only files that are newer than its last check.

    Returns:
        The names of the removed files.

    Raises:
        OSError: the folder cannot be written, or another process holds its lock for more than LOCK_SECONDS.
    """
    from filelock import FileLock

    removed = []
    looked = folder / ".looked"
    with FileLock(folder / ".lockfile", timeout=LOCK_SECONDS):  # the lock that JAX itself takes
        since = looked.stat().st_mtime - 2 if looked.exists() else 0.0
        entries = {path.name.removesuffix("-cache"): path for path in folder.glob("*-cache")}
        for path in entries.values():
            if path.stat().st_mtime >= since and not _unpacks(path):
                path.unlink()
                removed.append(path.name)
        # JAX keeps the time of the last use beside each program, and stops removing programs if one time is missing.
        for name, path in entries.items():
            used = folder / f"{name}-atime"
            if path.exists() and not used.exists():
                used.write_bytes(time.time_ns().to_bytes(8, "little"))
        for used in folder.glob("*-atime"):
            if not (folder / f"{used.name.removesuffix('-atime')}-cache").exists():
                used.unlink()
        looked.touch()
    return removed


def _unpacks(path: Path) -> bool:
    """Whether a program's file is complete. JAX packs it with zstandard if that is installed, otherwise with zlib."""
    packed = path.read_bytes()
    if packed[:1] == b"\x78":
        try:
            return bool(zlib.decompress(packed))
        except zlib.error:
            return False
    if importlib.util.find_spec("zstandard") is None:
        return packed[:4] == b"\x28\xb5\x2f\xfd"  # an environment without zstandard never reads it
    import zstandard

    try:
        return bool(zstandard.ZstdDecompressor().decompress(packed))
    except zstandard.ZstdError:
        return False


def _remove_unused(root: Path, used: Path) -> None:
    """Removes the folders of other jaxlibs and CPUs that no command has used for UNUSED_DAYS days."""
    for other in root.glob("jaxlib-*"):
        looked = other / ".looked"
        if other != used and looked.exists() and time.time() - looked.stat().st_mtime > UNUSED_DAYS * 24 * 3600:
            shutil.rmtree(other, ignore_errors=True)


def _cpu_type() -> str:
    """Twelve letters that differ between CPUs with different instruction sets."""
    text = platform.machine() + platform.processor()
    with contextlib.suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        names = ("model name", "flags", "Features", "CPU part")
        text += "".join(dict.fromkeys(line for line in lines if line.split(":")[0].strip() in names))
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _runs_on_cpu() -> bool:
    """Whether JAX will compute on a CPU, as far as can be told without touching a device."""
    platforms = os.environ.get("JAX_PLATFORMS", "")
    if not platforms and "jax" in sys.modules:
        platforms = sys.modules["jax"].config.jax_platforms or ""
    if platforms:
        return platforms.split(",")[0] == "cpu"
    plugins = importlib.metadata.entry_points(group="jax_plugins")
    return not plugins and importlib.util.find_spec("libtpu") is None
