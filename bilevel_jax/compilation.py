"""How commands compile: the jaxlib version that they refuse, compiler options on a CPU, and the cache of programs."""

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
# An earlier jaxlib logs two lines of 2.5 kB, as an error, for every program that a CPU loads from the cache. Nothing is
# wrong with the program: github.com/jax-ml/jax/issues/38445.
QUIET_SINCE = (0, 10, 2)

MAX_BYTES = 2 * 2**30
SHORTEST_COMPILATION = 0.1  # seconds; a program that compiles faster is not kept, since reading it takes as long
UNUSED_DAYS = 30  # unused programs of another jaxlib or CPU are removed after this time
LOCK_SECONDS = 10


def compiler_options() -> dict[str, int]:
    """Returns options for `jax.jit(compiler_options=...)` of programs that run a few hundred times.

    On a CPU, LLVM optimises at its first level instead of its third: programs compile faster and run at nearly the same
    speed (docs/results/compilation.md). An optimisation level in XLA_FLAGS has precedence. Elsewhere there are no
    options.
    """
    import jax

    if jax.default_backend() != "cpu" or "xla_backend_optimization_level" in os.environ.get("XLA_FLAGS", ""):
        return {}
    return {"xla_backend_optimization_level": 1}


def refuse_wrong_sums() -> None:
    """Raises InputError where the installed jaxlib computes some sums wrongly and programs would run on a CPU."""
    import jaxlib

    if jaxlib.__version__ == WRONG_SUMS and _runs_on_cpu():
        raise InputError(
            f"jaxlib {WRONG_SUMS} is installed, which computes wrong sums on a CPU "
            "(github.com/jax-ml/jax/issues/39103); expected another version: pip install 'jax!=0.10.2'."
        )


def hide_false_errors() -> None:
    """Raises the log level of a jaxlib that reports every cached program of a CPU as an error.

    Call it before JAX is imported. A level that the user has set stays. Real errors of XLA reach Python as exceptions.
    """
    version = tuple(int(part) for part in importlib.metadata.version("jaxlib").split(".")[:3] if part.isdigit())
    if version < QUIET_SINCE and _runs_on_cpu():
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def keep_compiled_programs(where: str = "") -> Path | None:
    """Switches JAX's persistent compilation cache on: a later process loads the programs that this one compiles.

    Each jaxlib and kind of CPU has a folder of its own, so that no program meets a machine that it was not made for.
    The folder grows to MAX_BYTES; then the programs that were unused longest are removed. Several processes may share
    it, because JAX locks it. A damaged file, such as one that a kill cut short, is removed at the next start.

    Args:
        where: the folder that holds these folders; "" = $XDG_CACHE_HOME/bilevel_jax/xla or ~/.cache/bilevel_jax/xla;
            "off" = no cache. JAX's own setting (JAX_COMPILATION_CACHE_DIR) has precedence over "".

    Returns:
        The folder, or None where the cache is off, JAX's own setting decides, or the folder cannot be written. A note
        on stderr says the last of these.
    """
    import jax

    if where == "off":
        jax.config.update("jax_enable_compilation_cache", False)
        return None
    if not where and jax.config.values["jax_compilation_cache_dir"]:
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
            f"note: compiled programs are not kept, because {folder} cannot be used: {error}; "
            "--compilation_cache=DIR names another folder, and --compilation_cache=off silences this note.",
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
    """Removes the programs of a cache folder that cannot be unpacked, and returns the names of their files.

    It reads only files that are newer than its last call. It also repairs the files beside the programs that an
    interrupted process left incomplete.

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
        # JAX keeps the time of the last use beside each program, and stops removing old ones where a time is missing.
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
    """Whether a program's file is whole. JAX packs it by zlib, or by zstandard where that is installed."""
    packed = path.read_bytes()
    if packed[:1] == b"\x78":
        try:
            return bool(zlib.decompress(packed))
        except zlib.error:
            return False
    if importlib.util.find_spec("zstandard") is None:
        return packed[:4] == b"\x28\xb5\x2f\xfd"  # JAX never reads the file in this environment
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
    """Returns twelve characters that differ between CPUs with different instruction sets."""
    text = platform.machine() + platform.processor()
    with contextlib.suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        told = [line for line in lines if line.split(":")[0].strip() in ("model name", "flags", "Features", "CPU part")]
        text += "".join(dict.fromkeys(told))
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _runs_on_cpu() -> bool:
    """Whether JAX will compute on a CPU, judged without starting a device."""
    platforms = os.environ.get("JAX_PLATFORMS", "")
    if not platforms and "jax" in sys.modules:
        platforms = sys.modules["jax"].config.jax_platforms or ""
    if platforms:
        return platforms.split(",")[0] == "cpu"
    plugins = importlib.metadata.entry_points(group="jax_plugins")
    return not plugins and importlib.util.find_spec("libtpu") is None
