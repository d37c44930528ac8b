"""One live run a folder."""

import fcntl
import os
import socket
from pathlib import Path
from typing import IO

from bilevel_jax.errors import InputError


def lock_folder(folder: Path) -> IO[str]:
    """Locks `folder` for this process until the file that is returned is closed or the process ends, however it ends.

    Raises:
        InputError: another live process holds it; the message has its number and host.
    """
    path = folder / ".lock"
    try:
        file = path.open("a+")
    except OSError as error:
        raise InputError(f"{folder} cannot be written: {error.strerror or error}.") from error
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        file.seek(0)
        holder = file.read().strip() or "another process"
        file.close()
        raise InputError(
            f"{folder} is in use by another live run ({holder}): wait for it, stop it, or give another --workdir."
        ) from error
    except OSError:
        return file  # a file system without locks: go on as if there were none
    file.truncate(0)
    file.write(f"process {os.getpid()} on {socket.gethostname()}\n")
    file.flush()
    return file
