"""A run's folder belongs to one live process, and to none once that process is gone."""

import os
import signal
import socket
import subprocess
import sys

import filelock
import pytest

from bilevel_jax.checkpoints.lock import lock_folder
from bilevel_jax.errors import InputError

HOLDER = """
import sys, time
from pathlib import Path
from bilevel_jax.checkpoints.lock import lock_folder
held = lock_folder(Path(sys.argv[1]))
print("locked", flush=True)
time.sleep(600)
"""


def test_a_second_holder_is_refused_with_the_first_one_s_number_however_often_it_asks(tmp_path):
    held = lock_folder(tmp_path)
    told = f"process {os.getpid()} on {socket.gethostname()}"
    assert (tmp_path / ".lock").read_text() == f"{told}\n"
    for _ in range(2):
        with pytest.raises(InputError, match=rf"in use by another live run \({told}\): wait for it"):
            lock_folder(tmp_path)
    held.close()
    held.close()  # a second time it has no effect
    with lock_folder(tmp_path), pytest.raises(InputError, match="in use"):
        lock_folder(tmp_path)
    lock_folder(tmp_path).close()


def test_the_lock_goes_with_a_killed_process(tmp_path):
    with subprocess.Popen([sys.executable, "-c", HOLDER, tmp_path], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "locked\n"
        with pytest.raises(InputError, match=f"in use by another live run .process {process.pid} on"):
            lock_folder(tmp_path)
        process.send_signal(signal.SIGKILL)
        process.wait()
    lock_folder(tmp_path).close()


def test_a_longer_number_of_an_earlier_holder_leaves_no_trace(tmp_path):
    (tmp_path / ".lock").write_text("process 123456789012 on a machine with a long name\n" * 9)
    with lock_folder(tmp_path):
        assert (tmp_path / ".lock").read_text() == f"process {os.getpid()} on {socket.gethostname()}\n"


def test_a_file_system_without_locks_is_used_unlocked(tmp_path, monkeypatch):
    def refuse(lock, *_, **__):
        raise OSError(38, "Function not implemented")

    monkeypatch.setattr(filelock.FileLock, "acquire", refuse)
    with lock_folder(tmp_path), lock_folder(tmp_path):
        assert (tmp_path / ".lock").exists()


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    with pytest.raises(InputError, match="none cannot be written: No such file"):
        lock_folder(tmp_path / "none")


def test_fusing_is_imported_where_there_is_no_fcntl():
    """As on Windows. JAX itself warns there that its own cache has only a soft lock."""
    code = "import sys; sys.modules['fcntl'] = None; import bilevel_jax.commands.fuse"
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True)
