"""The jaxlib that is refused, and the programs that one process leaves for the next."""

import json
import os
import subprocess
import sys
import time
import zlib

import jax
import jax.numpy as jnp
import jaxlib
import pytest

from bilevel_jax import compilation
from bilevel_jax.command_line import parse_flags
from bilevel_jax.compilation import keep_compiled_programs, refuse_wrong_sums, remove_damaged
from bilevel_jax.errors import InputError

# Compiles some programs, says what came of them, and how many were loaded and how many written.
PROGRAM = """
import json, sys
from bilevel_jax import compilation
compilation.hide_false_errors()
import jax, jax.numpy as jnp
events = []
jax.monitoring.register_event_listener(lambda name, **_: events.append(name.rsplit("/", 1)[-1]))
compilation.SHORTEST_COMPILATION = 0.0
folder = compilation.keep_compiled_programs(sys.argv[1])
x = jnp.arange(6.0)
value = jax.jit(lambda x: jnp.sin(x) @ jnp.cos(x))(x) + jax.jit(lambda x: jnp.tanh(x).sum())(x)
print(json.dumps([str(folder), float(value).hex(), events.count("cache_hits"), events.count("cache_misses")]))
"""


def start_program(root):
    line = [sys.executable, "-c", PROGRAM, str(root)]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("JAX_COMPILATION")}
    environment.pop("TF_CPP_MIN_LOG_LEVEL", None)
    return subprocess.Popen(line, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def result_of(process):
    printed, said = process.communicate(timeout=120)
    assert process.returncode == 0 and said == "", said
    return json.loads(printed)


def test_the_installed_jaxlib_computes_right_sums():
    # github.com/jax-ml/jax/issues/39103: jaxlib 0.10.2 gives 1071645696.
    i = jnp.arange(32_769, dtype=jnp.float32)
    x = jnp.stack((i, jnp.zeros_like(i), jnp.zeros_like(i)), axis=1)
    squares = jax.jit(jax.vmap(lambda row: jnp.sum((jnp.eye(3) @ row) ** 2)))(x)
    assert float(squares[-1]) == 32_768.0**2 == 1073741824


@pytest.mark.parametrize(
    ("version", "platforms", "refused"),
    [("0.10.2", "cpu", True), ("0.10.2", "cuda,cpu", False), ("0.10.1", "cpu", False), ("0.11.0", "cpu", False)],
)
def test_the_jaxlib_of_wrong_sums_is_refused_on_a_cpu(monkeypatch, version, platforms, refused):
    monkeypatch.setattr(jaxlib, "__version__", version)
    monkeypatch.setenv("JAX_PLATFORMS", platforms)
    if not refused:
        return refuse_wrong_sums()
    with pytest.raises(InputError, match=r"jaxlib 0\.10\.2 is installed.*pip install 'jax!=0\.10\.2'"):
        parse_flags(lambda values: None, ["train.py"], "usage")


@pytest.mark.parametrize(
    ("version", "platforms", "before", "after"),
    [
        ("0.10.1", "cpu", None, "3"),
        ("0.10.1", "cpu", "1", "1"),
        ("0.10.1", "cuda", None, None),
        ("0.12.0.1", "cpu", None, None),
    ],
)
def test_errors_that_are_none_are_hidden_where_jaxlib_logs_them(monkeypatch, version, platforms, before, after):
    monkeypatch.setattr(compilation.importlib.metadata, "version", lambda name: version)
    monkeypatch.setenv("JAX_PLATFORMS", platforms)
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "set, so that it is restored")
    if before is None:
        monkeypatch.delenv("TF_CPP_MIN_LOG_LEVEL")
    else:
        monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", before)
    compilation.hide_false_errors()
    assert os.environ.get("TF_CPP_MIN_LOG_LEVEL") == after


def test_one_process_loads_what_another_compiled_and_a_damaged_program_is_compiled_anew(tmp_path):
    # Two at once, then one that finds all there, then one whose programs are damaged in three ways.
    first = [start_program(tmp_path), start_program(tmp_path)]
    (folder, value, *_), (_, other, *_) = map(result_of, first)
    assert value == other and folder.startswith(str(tmp_path / "jaxlib-"))
    _, value_loaded, hits, misses = result_of(start_program(tmp_path))
    assert value_loaded == value and hits >= 3 and misses == 0
    entries = sorted((tmp_path / folder).glob("*-cache"))
    entries[0].write_bytes(entries[0].read_bytes()[:-100])
    entries[1].write_bytes(b"")
    entries[2].write_bytes(b"\x78" + bytes(1000))
    _, value_mended, hits_left, written = result_of(start_program(tmp_path))
    assert value_mended == value and written == 3 and hits_left == hits - 3
    assert result_of(start_program(tmp_path))[1:] == [value, hits, 0]


@pytest.fixture
def unchanged_jax():
    """JAX's own settings of the cache, none during the test and as they were after it."""
    names = [
        "jax_enable_compilation_cache",
        "jax_compilation_cache_dir",
        "jax_compilation_cache_max_size",
        "jax_persistent_cache_min_compile_time_secs",
    ]
    before = {name: getattr(jax.config, name) for name in names}
    jax.config.update("jax_compilation_cache_dir", None)
    yield
    for name, value in before.items():
        jax.config.update(name, value)


def test_a_folder_of_this_jaxlib_and_cpu_bounded_in_size(unchanged_jax, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    folder = keep_compiled_programs()
    assert folder.parent == tmp_path / "bilevel_jax" / "xla" and folder.name.startswith(f"jaxlib-{jaxlib.__version__}-")
    assert jax.config.jax_compilation_cache_dir == str(folder)
    assert jax.config.jax_compilation_cache_max_size == 2 * 2**30


def test_what_is_set_for_jax_itself_stays_and_off_is_off(unchanged_jax, tmp_path):
    jax.config.update("jax_compilation_cache_dir", str(tmp_path / "own"))
    assert keep_compiled_programs() is None and jax.config.jax_compilation_cache_dir == str(tmp_path / "own")
    assert keep_compiled_programs("off") is None and not jax.config.jax_enable_compilation_cache


def test_a_folder_that_cannot_be_made_is_said_and_the_command_goes_on(unchanged_jax, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert keep_compiled_programs(str(tmp_path / "file")) is None
    said = capsys.readouterr().err
    assert "compiled programs are not kept" in said and "--compilation_cache=off" in said and said.count("\n") == 1
    assert jax.config.jax_compilation_cache_dir is None


def test_folders_of_another_jaxlib_go_once_nobody_uses_them(unchanged_jax, tmp_path):
    old, recent, foreign = tmp_path / "jaxlib-0.1-old", tmp_path / "jaxlib-0.1-recent", tmp_path / "mine"
    for folder in (old, recent, foreign):
        folder.mkdir()
        (folder / ".looked").touch()
    month = time.time() - 31 * 24 * 3600
    os.utime(old / ".looked", (month, month))
    os.utime(foreign / ".looked", (month, month))
    keep_compiled_programs(str(tmp_path))
    assert not old.exists() and recent.exists() and foreign.exists()


def test_what_an_interrupted_process_left_is_mended(tmp_path):
    (tmp_path / "whole-cache").write_bytes(zlib.compress(b"program"))
    (tmp_path / "gone-atime").write_bytes(bytes(8))
    assert remove_damaged(tmp_path) == []
    assert (tmp_path / "whole-atime").exists() and not (tmp_path / "gone-atime").exists()
