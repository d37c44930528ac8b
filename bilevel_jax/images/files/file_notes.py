"""What is to be told about files that were read, collected and said once for all files that it holds for."""

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from bilevel_jax.errors import first_few


class FileNote(NamedTuple):
    """What a user should know about how a file was read.

    Fields:
        path: the file, or a place in it such as "a.txt, line 3".
        text: a sentence without its subject, which is the file, and without its full stop.
    """

    path: str | Path
    text: str

    def sentence(self) -> str:
        """Returns the sentence, without its full stop."""
        return f"{self.path} {self.text}"


class FileNotes:
    """Notes in the order in which they came, grouped by what they say."""

    def __init__(self) -> None:
        self._files: dict[str, dict[str | Path, None]] = {}  # text -> its files in order, as a set

    def add(self, notes: Iterable[FileNote]) -> None:
        """Adds notes; a file that is named twice with one text is named once."""
        for path, text in notes:
            self._files.setdefault(text, {})[path] = None

    def lines(self) -> list[str]:
        """Returns one line for each text, with the path of the file, or with the count and the names of some files."""
        return [self._line(list(files), text) for text, files in self._files.items()]

    @staticmethod
    def _line(files: list[str | Path], text: str) -> str:
        if len(files) == 1:
            return f"note: {FileNote(files[0], text).sentence()}."
        return f"note: of {len(files)} files ({first_few(str(path) for path in files)}) each {text}."
