"""bilevel-fuse page where gradio is missing; tests/serving has the page itself."""

import sys
import types

import pytest

from bilevel_jax.commands.page import page_command
from bilevel_jax.errors import run_command


@pytest.mark.parametrize("left", [None, types.ModuleType("gradio")])
def test_without_gradio_the_message_says_what_to_install(monkeypatch, capsys, left):
    """An uninstalled gradio may leave a folder, which Python takes as an empty package."""
    monkeypatch.setitem(sys.modules, "gradio", left)
    assert run_command(page_command, ["bilevel-fuse page"]) == 2
    assert 'pip install "bilevel-jax[page]"' in capsys.readouterr().err
