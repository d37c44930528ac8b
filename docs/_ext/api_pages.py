"""Writes the API pages: one Markdown page a package, made from the source files without importing them.

Sphinx's own autodoc imports every module, and reads docstrings as reStructuredText. The docstrings of this project are
plain text with backticks. So this file reads the source with `ast`, and escapes everything but code: no docstring can
break the build.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

from docstring_markdown import docstring, escaped


def write_pages(package: Path, folder: Path) -> list[str]:
    """Writes FOLDER/PACKAGE.NAME.md for every package below `package` that has public functions or classes.

    A page whose text did not change is left alone, so that Sphinx does not read it again. Pages of former packages are
    removed.

    Returns:
        The names of the pages, without suffix, in alphabetical order.
    """
    pages = {}
    for init in sorted(package.rglob("__init__.py")):
        text = package_page(init, package)
        if text:
            pages[dotted_name(init, package)] = text
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.glob(f"{package.name}*.md"):
        if path.stem not in pages:
            path.unlink()
    write_changed(pages, folder)
    return sorted(pages)


def write_changed(texts: dict[str, str], folder: Path) -> None:
    """Writes FOLDER/NAME.md for each text by its name, and leaves a file alone whose text did not change."""
    for name, text in texts.items():
        path = folder / f"{name}.md"
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


def dotted_name(path: Path, package: Path) -> str:
    """`bilevel_jax.bilevel.gramian` for the path of gramian.py."""
    parts = path.relative_to(package.parent).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


def package_page(init: Path, package: Path) -> str:
    """The page of one package, or "" where nothing in it is public."""
    name = dotted_name(init, package)
    lines, found = [f"# {name}", ""], False
    for path in [init, *sorted(set(init.parent.glob("*.py")) - {init})]:
        source = path.read_text(encoding="utf-8")
        tree = ast.parse(source)
        objects = list(public_objects(tree, source.splitlines()))
        module = dotted_name(path, package)
        if path != init and objects:
            lines += [f"## {module.removeprefix(name + '.')}", ""]
        if path == init or objects:
            lines += [docstring(ast.get_docstring(tree) or ""), "", f"```{{py:currentmodule}} {module}", "```", ""]
        lines += objects
        found = found or bool(objects)
    return "\n".join(lines) + "\n" if found else ""


def public_objects(tree: ast.Module, source: list[str]) -> Iterator[str]:
    """The public functions and classes of a module, as directives of Sphinx's Python domain."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name[0] != "_" and "overload" not in decorators(node):
            yield directive("function", signature(node), ast.get_docstring(node))
        elif isinstance(node, ast.ClassDef) and node.name[0] != "_":
            yield class_directive(node, source)


def class_directive(node: ast.ClassDef, source: list[str]) -> str:
    """A class with its docstring, its declared fields and its public methods."""
    fields, methods, arguments = [], [], ""
    for member in node.body:
        if isinstance(member, ast.AnnAssign) and isinstance(member.target, ast.Name) and member.target.id[0] != "_":
            comment = source[member.lineno - 1].partition("  # ")[2]
            kind = f"- `{member.target.id}`: `{ast.unparse(member.annotation)}`"
            fields.append(f"{kind}: {escaped(comment)}" if comment else kind)
        elif isinstance(member, ast.FunctionDef) and member.name == "__init__":
            arguments = signature(member, drop_first=True).removeprefix("__init__").partition(" -> ")[0]
        elif isinstance(member, ast.FunctionDef) and member.name[0] != "_" and "overload" not in decorators(member):
            if "property" in decorators(member):
                methods.append(directive("property", member.name, ast.get_docstring(member)))
            else:
                text = signature(member, drop_first="staticmethod" not in decorators(member))
                methods.append(directive("method", text, ast.get_docstring(member)))
    more = "\n".join([*fields, "", *methods])
    return directive("class", node.name + arguments, ast.get_docstring(node), more, fence="`" * 5)


def decorators(node: ast.FunctionDef) -> list[str]:
    return [ast.unparse(decorator) for decorator in node.decorator_list]


def signature(node: ast.FunctionDef, drop_first: bool = False) -> str:
    """`name(arguments) -> type` as in the source; `drop_first` leaves out self or cls."""
    if drop_first:
        first = node.args.posonlyargs or node.args.args
        del first[:1]
    returns = f" -> {ast.unparse(node.returns)}" if node.returns else ""
    return f"{node.name}({ast.unparse(node.args)}){returns}"


def directive(kind: str, head: str, text: str | None, more: str = "", fence: str = "`" * 4) -> str:
    body = f"{docstring(text or '')}\n\n{more}".strip()
    return f"{fence}{{py:{kind}}} {head}\n\n{body}\n{fence}\n"
