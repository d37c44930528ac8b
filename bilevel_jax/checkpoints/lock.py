"""One live run a folder: a lock that goes when its process goes."""

import contextlib
import os
import socket
from pathlib import Path

from bilevel_jax.errors import InputError


def lock_folder(folder: Path) -> contextlib.ExitStack:
    """Locks `folder` for this process until the returned object is closed or the process ends, however it ends.

    The file `.lock` in the folder says who holds the lock. On a file system without locks, the folder is used unlocked.

    Raises:
        InputError: another live process holds the lock (the message has its number and host), or the folder cannot be
            written.
    """
    from filelock import FileLock, Timeout  # machines that only load checkpoints may not have it

    path, held = folder / ".lock", contextlib.ExitStack()
    try:
        path.touch()
    except OSError as error:
        raise InputError(f"{folder} cannot be written: {error.strerror or error}.") from error
    # With a callback, filelock never falls back to a lock by a file's existence, which would outlive a killed process.
    lock = FileLock(path, blocking=False, thread_local=False, on_acquired=_write_holder)
    try:
        lock.acquire()
    except Timeout as error:
        raise InputError(
            f"{folder} is in use by another live run ({_holder(path)}): wait for it, stop it, or give another "
            "--workdir."
        ) from error
    except OSError:
        return held  # the file system has no locks
    held.callback(lock.release)
    return held


def _write_holder(descriptor: int) -> None:
    with contextlib.suppress(OSError):
        os.ftruncate(descriptor, 0)
        os.lseek(descriptor, 0, os.SEEK_SET)
        os.write(descriptor, f"process {os.getpid()} on {socket.gethostname()}\n".encode())


def _holder(path: Path) -> str:
    try:
        return path.read_text().strip() or "another process"
    except OSError:  # Windows lets nobody read a locked file
        return "another process"
