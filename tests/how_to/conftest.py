"""The pages docs/how_to/*.md as tests: the new file and the one line of a page go into a copy of the package.

How a page is written, so that it can be read here:
- A line that is nothing but a path in bold, such as **`bilevel_jax/bilevel/weighting/halves.py`**, says which file the
  next code block belongs to.
- A ```python block after such a line is the complete new file.
- A ```diff block after such a line is the one line in the registry: lines that begin with a space are lines of today's
  file, in order and without a gap, and the line that begins with + is the new one (with a line that begins with -, it
  replaces that one).
- A ```python block without a path is an example of use. Each line of a ```bash block is a command.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"(?:^\*\*`(?P<path>[^`\n]+)`\*\*\n\s*)?^```(?P<language>\w+)\n(?P<text>.*?)^```$", re.M | re.S)


class Page(NamedTuple):
    """The code blocks of one page."""

    files: dict[str, str]  # path -> text of a new file
    diffs: dict[str, str]  # path -> the change to a file that exists
    examples: list[str]  # python blocks without a path
    commands: list[str]  # lines of bash blocks


# Runs one code or script after another, so that JAX is imported once for a page: a JSON line in, a JSON line out.
WORKER = """
import contextlib, io, json, runpy, sys, traceback

answers, sys.stdout = sys.stdout, sys.stderr
for line in sys.stdin:
    given, printed, error = json.loads(line), io.StringIO(), None
    sys.argv = given["argv"]
    try:
        with contextlib.redirect_stdout(printed):
            if given["code"] is None:
                runpy.run_path(sys.argv[0], run_name="__main__")
            else:
                exec(compile(given["code"], "page", "exec"), {"__name__": "__main__"})
    except SystemExit as end:
        error = f"exit code {end.code}" if end.code else None
    except BaseException:
        error = traceback.format_exc()
    print(json.dumps([printed.getvalue(), error]), file=answers, flush=True)
"""

# Says for each of several changes to the default configuration whether it is accepted; then the help of all keys.
CONFIGURED = """
import json, sys
from bilevel_jax.errors import InputError
from bilevel_jax.training.config import check_config, default_config
from bilevel_jax.training.config.help import config_help

for changes in json.loads(sys.argv[1]):
    config = default_config()
    config.update_from_flattened_dict(changes)
    try:
        check_config(config)
        print("accepted")
    except InputError as error:
        print(error)
print(config_help(default_config()))
"""


class Changed:
    """A copy of the package with the changes of one page."""

    def __init__(self, page: Page, folder: Path):
        self.page, self.folder = page, folder
        self._environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST_")}
        self._environment |= {"PYTHONPATH": str(folder), "JAX_PLATFORMS": "cpu", "PYTHONDONTWRITEBYTECODE": "1"}
        self._worker: subprocess.Popen[str] | None = None

    def python(self, code: str, *arguments: str) -> str:
        """What Python code prints in the copy."""
        return self._in_worker(code, ["page", *arguments])

    def command(self, *arguments: str) -> str:
        """What `python arguments` prints in the copy, such as ("experiments/train.py", "--help")."""
        if arguments[0] == "-m":
            return self._alone(*arguments)
        return self._in_worker(None, list(arguments))

    def pytest(self, *arguments: str) -> str:
        """What pytest prints for tests of this checkout, such as ("tests/losses", "-k", name), run on the copy."""
        chosen = [str(ROOT / given) if given.startswith("tests/") else given for given in arguments]
        return self._alone("-m", "pytest", "-n", "0", "-p", "no:cacheprovider", "-rN", *chosen)

    def configured(self, *changes: dict[str, object]) -> list[str]:
        """Lines: "accepted" or an error for each of some changes {key: value} to the configuration; then its help."""
        return self.python(CONFIGURED, json.dumps(changes)).splitlines()

    def close(self) -> None:
        """Ends the process that the codes and commands run in."""
        if self._worker is not None:
            self._worker.communicate()

    def _in_worker(self, code: str | None, argv: list[str]) -> str:
        if self._worker is None:
            with open(self.folder / "stderr.txt", "w") as stderr:
                self._worker = subprocess.Popen(
                    [sys.executable, "-c", WORKER],
                    cwd=self.folder,
                    env=self._environment,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=stderr,
                    text=True,
                )
        assert self._worker.stdin is not None and self._worker.stdout is not None
        print(json.dumps({"code": code, "argv": argv}), file=self._worker.stdin, flush=True)
        answer = self._worker.stdout.readline()
        stderr_text = (self.folder / "stderr.txt").read_text()
        assert answer, f"the process of the page ended: {stderr_text}"
        printed, error = json.loads(answer)
        assert error is None, f"{printed}{error}{stderr_text}"
        return printed

    def _alone(self, *arguments: str) -> str:
        line = [sys.executable, *arguments]
        done = subprocess.run(line, cwd=self.folder, env=self._environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@pytest.fixture(scope="session")
def apply_page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Changed]]:
    """A function from a page's name, such as "add_weighting", to a copy of the package with the page's changes.

    It fails unless the page adds one new file to the package and one line to one file of today.
    """

    copies: list[Changed] = []

    def applied(name: str) -> Changed:
        page = read_page((ROOT / "docs" / "how_to" / f"{name}.md").read_text())
        added = [path for path in page.files if path.startswith("bilevel_jax/")]
        assert len(added) == 1, f"{name}.md adds {added}; expected one new file of the package"
        assert len(page.diffs) == 1, f"{name}.md changes {list(page.diffs)}; expected one file"
        folder = tmp_path_factory.mktemp(name)
        for part in ("bilevel_jax", "experiments"):
            shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
        for path, text in page.files.items():
            assert not (folder / path).exists(), f"{path} exists already"
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text)
        for path, diff in page.diffs.items():
            (folder / path).write_text(with_one_line((folder / path).read_text(), diff))
        copies.append(Changed(page, folder))
        return copies[-1]

    yield applied
    for copy in copies:
        copy.close()


def read_page(text: str) -> Page:
    """Sorts the code blocks of a page by what they are; see the top of this file."""
    page = Page({}, {}, [], [])
    for block in BLOCK.finditer(text):
        path, language, code = block["path"], block["language"], block["text"]
        if path and language == "python":
            page.files[path] = code
        elif path and language == "diff":
            page.diffs[path] = code
        elif language == "python":
            page.examples.append(code)
        elif language == "bash":
            page.commands.extend(code.replace("\\\n", "").splitlines())
    return page


def with_one_line(text: str, diff: str) -> str:
    """`text` with a diff of one line; the diff's other lines must stand in it once, one after the other."""
    lines = [line for line in diff.splitlines(keepends=True) if line.strip()]
    assert sum(line[0] == "+" for line in lines) == 1, f"a diff adds one line, this one does not:\n{diff}"
    assert sum(line[0] == "-" for line in lines) <= 1, f"a diff replaces one line at most:\n{diff}"
    assert all(line[0] in " +-" for line in lines), f"a line of a diff begins with a space, + or -:\n{diff}"
    before = "\n" + "".join(line[1:] for line in lines if line[0] != "+")
    after = "\n" + "".join(line[1:] for line in lines if line[0] != "-")
    text = "\n" + text
    assert text.count(before) == 1, f"these lines stand {text.count(before)} times in the file:{before}"
    return text.replace(before, after)[1:]
