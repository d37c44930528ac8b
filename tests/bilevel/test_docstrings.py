"""The parts of a docstring, and more arguments in it."""

from bilevel_jax.bilevel import docstrings


def method(a, b, c=0):
    """Does this and
    that.

    More: with a colon.

    Args:
      a, b: two lines
        of text: here.
      c: one.

    Returns:
      Nothing.

    References:
      Someone, Title, 2020
      (arXiv 2001.00001).
    """


def bare():
    """One sentence.

    References:
      None.
    """


def undocumented():
    pass


def test_parts():
    assert docstrings.summary(method) == "Does this and that."
    both = "two lines of text: here."
    assert docstrings.arguments(method) == {"a": both, "b": both, "c": "one."}
    assert docstrings.references(method) == "Someone, Title, 2020 (arXiv 2001.00001)."
    assert docstrings.arguments(bare) == {}
    assert docstrings.summary(undocumented) == docstrings.references(undocumented) == ""


def test_more_arguments():
    text = docstrings.with_arguments(method, {"first": "before.", "a": "not this."}, {"last": "after. " + 30 * "long "})
    lines = text.splitlines()
    start = lines.index("Args:")
    assert lines[start + 1 : start + 5] == ["  first: before.", "  a, b: two lines", "    of text: here.", "  c: one."]
    assert lines[start + 5].startswith("  last: after. long") and lines[start + 6].startswith("    long long")
    assert "not this" not in text and max(map(len, lines)) <= 116
    assert text.index("Args:") < text.index("Returns:") < text.index("References:")
    assert text.startswith("Does this and\nthat.\n\nMore: with a colon.\n\nArgs:\n")


def test_a_docstring_without_arguments_gets_the_section():
    text = docstrings.with_arguments(bare, {"x": "a number."}, {})
    assert text == "One sentence.\n\nArgs:\n  x: a number.\n\nReferences:\n  None."
