"""The API pages hold every public function, and no docstring is taken for markup."""

import ast
import importlib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def extension(monkeypatch):
    """Imports a module of docs/_ext, which is no package."""
    monkeypatch.syspath_prepend(str(ROOT / "docs" / "_ext"))
    return importlib.import_module


def test_every_public_function_and_class_is_on_its_package_page(tmp_path, extension):
    extension("api_pages").write_pages(ROOT / "bilevel_jax", tmp_path)
    for path in (ROOT / "bilevel_jax" / "bilevel").rglob("*.py"):
        package = ".".join(path.parent.relative_to(ROOT).parts)
        page = (tmp_path / f"{package}.md").read_text()
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name[0] != "_":
                assert f"}} {node.name}(" in page or f"}} {node.name}\n" in page, (path, node.name)


def test_a_class_shows_its_fields_and_methods_without_self(extension):
    source = "class A:\n    '''Text.'''\n    x: int  # pixels\n    def f(self, y=1):\n        '''Does.'''\n"
    (page,) = extension("api_pages").public_objects(ast.parse(source), source.splitlines())
    assert "{py:class} A\n\nText.\n\n- `x`: `int`: pixels\n" in page and "{py:method} f(y=1)\n\nDoes.\n" in page


def test_an_overloaded_function_stands_once(extension):
    source = "@overload\ndef f(x: int): ...\n@overload\ndef f(x: str): ...\ndef f(x):\n    return x\n"
    (page,) = extension("api_pages").public_objects(ast.parse(source), source.splitlines())
    assert "{py:function} f(x)\n" in page


@pytest.mark.parametrize(
    ("plain", "markdown"),
    [
        ("<g_i, g_j> of [K, *shape] | x |", r"\<g\_i, g\_j\> of \[K, \*shape\] \| x \|"),
        ("the `a_b[*]` of `c`", "the `a_b[*]` of `c`"),
        (
            "Text.\n\nArgs:\n    x: one\n        thing.\n    y, z: two.",
            "Text.\n\n**Args**\n\n- `x`: one thing.\n- `y, z`: two.",
        ),
        ("Returns:\n    One thing\n    or two.", "**Returns**\n\nOne thing\nor two."),
        ("Text:\n\n    a = b\n    c", "Text:\n\n```text\na = b\nc\n```"),
        (">>> 1 + 1\n2", "```python\n>>> 1 + 1\n2\n```"),
        ("- one\n  more\n- two", "- one more\n- two"),
    ],
)
def test_docstrings_become_markdown(extension, plain, markdown):
    assert extension("docstring_markdown").docstring(plain) == markdown


def test_a_page_of_a_former_package_goes_and_other_files_stay(tmp_path, extension):
    for name in ("bilevel_jax.gone.md", "index.md"):
        (tmp_path / name).write_text("")
    extension("api_pages").write_pages(ROOT / "bilevel_jax", tmp_path)
    assert not (tmp_path / "bilevel_jax.gone.md").exists() and (tmp_path / "index.md").exists()
