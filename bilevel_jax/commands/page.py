"""The command `bilevel-fuse page`: a page in the browser that fuses two uploaded files."""

from collections.abc import Sequence

from absl import flags

from bilevel_jax.command_line import parse_flags
from bilevel_jax.errors import InputError

USAGE = """bilevel-fuse page [--host=127.0.0.1] [--port=7860]
Serves a page that fuses uploaded pictures on this machine. Other machines reach it only with another --host."""


def page_command(argv: Sequence[str]) -> None:
    """Serves the page until the program is stopped.

    Raises:
        InputError: bad usage, gradio is missing, or the port is taken.
    """
    values = parse_flags(_define, argv, USAGE)
    try:
        import gradio  # noqa: F401
    except ImportError as error:
        raise InputError('gradio is missing; install it with: pip install "bilevel-jax[page]"') from error
    from bilevel_jax.serving.page.app import launch

    launch(values.host, values.port)


def _define(values: flags.FlagValues) -> None:
    text = "address that the page listens at; 0.0.0.0 lets every machine of the network upload files to this one"
    flags.DEFINE_string("host", "127.0.0.1", text, flag_values=values)
    flags.DEFINE_integer("port", 7860, "port; 0 = the first free one from 7860 on", 0, 65535, flag_values=values)
