"""How commands compile: the jaxlib that they refuse, the options of a CPU, and programs kept for the next start."""

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
# Before this one, jaxlib logs two lines of 2.5 kB for every program that a CPU loads from the cache, as an error that
# is none (github.com/jax-ml/jax/issues/38445: it asks the CPU for the compiler's preferences too).
QUIET_SINCE = (0, 10, 2)

MAX_BYTES = 2 * 2**30
SHORTEST_COMPILATION = 0.1  # seconds; what compiles faster is not kept: reading it would take as long
UNUSED_DAYS = 30  # after which the programs of another jaxlib or CPU are removed
LOCK_SECONDS = 10


def compiler_options() -> dict[str, int]:
    """Options for `jax.jit(compiler_options=...)` of programs that run a few hundred times: {} but on a CPU.

    LLVM's first level instead of its third there. It compiles our steps in two thirds of the time and the
    initialisations in a quarter, with the same speed within 3 % and, in the initialisations, the same bits
    (`docs/results/compilation.md`). An optimisation level in XLA_FLAGS has precedence.
    """
    import jax

    if jax.default_backend() != "cpu" or "xla_backend_optimization_level" in os.environ.get("XLA_FLAGS", ""):
        return {}
    return {"xla_backend_optimization_level": 1}


def refuse_wrong_sums() -> None:
    """Raises InputError where programs would run on a CPU by the jaxlib that computes some sums wrongly there."""
    import jaxlib

    if jaxlib.__version__ == WRONG_SUMS and _runs_on_cpu():
        raise InputError(
            f"jaxlib {WRONG_SUMS} is installed, which computes wrong sums on a CPU "
            "(github.com/jax-ml/jax/issues/39103); expected another version: pip install 'jax!=0.10.2'."
        )


def hide_false_errors() -> None:
    """Raises the log level of a jaxlib that reports every cached program of a CPU as an error; before JAX is imported.

    A level that the user has set stays. Errors of XLA reach Python as exceptions in any case.
    """
    version = tuple(int(part) for part in importlib.metadata.version("jaxlib").split(".")[:3] if part.isdigit())
    if version < QUIET_SINCE and _runs_on_cpu():
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def keep_compiled_programs(where: str = "") -> Path | None:
    """Switches JAX's persistent compilation cache on: what one process compiled, the next one loads.

    The programs lie in a folder of their own for each jaxlib and kind of CPU, so that none meets a machine that it was
    not made for. The folder grows to MAX_BYTES, then what was unused longest goes. Two processes may share it: JAX
    locks it. A file that is damaged, such as one that a kill cut short, is removed at the next start and compiled anew.

    Args:
        where: the folder that holds those folders; "" = $XDG_CACHE_HOME/bilevel_jax/xla or ~/.cache/bilevel_jax/xla;
            "off" = no cache. JAX's own setting (JAX_COMPILATION_CACHE_DIR) has precedence over "".

    Returns:
        The folder, None where there is none: switched off, left to JAX's own setting, or it cannot be written (which is
        said on stderr).
    """
    import jax

    if where == "off":
        jax.config.update("jax_enable_compilation_cache", False)
        return None
    if not where and jax.config.jax_compilation_cache_dir:
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
            f"note: compiled programs are not kept, {folder} cannot be used: {error}; --compilation_cache=DIR is "
            "another place, --compilation_cache=off says nothing.",
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
    """Removes programs of a cache folder that cannot be unpacked, and mends what an interrupted process left.

    Looks only at files that are newer than its last look. Returns the names of the files that it removed.

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
        # Beside each program JAX keeps the time of its last use, and stops evicting where one is missing.
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
    """Whether a program's file is whole: JAX packs them by zlib, or by zstandard where that is installed."""
    packed = path.read_bytes()
    if packed[:1] == b"\x78":
        try:
            return bool(zlib.decompress(packed))
        except zlib.error:
            return False
    if importlib.util.find_spec("zstandard") is None:
        return packed[:4] == b"\x28\xb5\x2f\xfd"  # this environment never reads it
    import zstandard

    try:
        return bool(zstandard.ZstdDecompressor().decompress(packed))
    except zstandard.ZstdError:
        return False


def _remove_unused(root: Path, used: Path) -> None:
    """Removes folders of other jaxlibs and CPUs that no command has opened for UNUSED_DAYS."""
    for other in root.glob("jaxlib-*"):
        looked = other / ".looked"
        if other != used and looked.exists() and time.time() - looked.stat().st_mtime > UNUSED_DAYS * 24 * 3600:
            shutil.rmtree(other, ignore_errors=True)


def _cpu_type() -> str:
    """Twelve letters that differ between CPUs of different instruction sets."""
    text = platform.machine() + platform.processor()
    with contextlib.suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        told = [line for line in lines if line.split(":")[0].strip() in ("model name", "flags", "Features", "CPU part")]
        text += "".join(dict.fromkeys(told))
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
