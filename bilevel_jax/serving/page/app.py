"""The page: two uploads, or one side-by-side file, in; the fused picture beside its sources out."""

import traceback
from typing import Any

import gradio

from bilevel_jax.errors import InputError
from bilevel_jax.images.color_methods import COLOR_METHODS
from bilevel_jax.inference.pair_size import NO_RESIZE, RESIZE
from bilevel_jax.serving.page.answer import SIDES, Wishes, answer, methods

TITLE = "Fuse an infrared and a visible picture"
COMPARED = ("infrared", "visible")
KEPT = 3600  # seconds after which uploaded and fused files are deleted
BY_METHOD = "the method's own"


def page() -> gradio.Blocks:
    """Returns the page; `launch` starts it."""
    with gradio.Blocks(title=TITLE, analytics_enabled=False, delete_cache=(KEPT, KEPT)) as blocks:
        gradio.Markdown(f"# {TITLE}\nThe pictures are computed on the machine that this page comes from.")
        state = gradio.State(None)
        with gradio.Row():
            files = [
                gradio.File(label=label, elem_id=name, type="filepath")
                for name, label in (
                    ("infrared", "Infrared file"),
                    ("visible", "Visible file"),
                    ("both", "or one file with both, side by side"),
                )
            ]
        with gradio.Row():
            method = gradio.Dropdown(methods(), value=methods()[0], label="Network or rule", elem_id="method")
            color = gradio.Dropdown([BY_METHOD, *COLOR_METHODS], value=BY_METHOD, label="Colour", elem_id="color")
            resize = gradio.Dropdown(list(RESIZE), value=NO_RESIZE, label="Which picture is resized", elem_id="resize")
            side = gradio.Radio(list(SIDES), value=SIDES[0], label="Infrared side of a side-by-side file")
        button = gradio.Button("Fuse", variant="primary", elem_id="fuse")
        message = gradio.Markdown(elem_id="message")
        compared = gradio.Radio(
            list(COMPARED), value=COMPARED[1], label="Compare the fused picture with", elem_id="with"
        )
        slider = gradio.ImageSlider(label="source | fused", type="numpy", interactive=False, elem_id="slider")
        with gradio.Row():
            table = gradio.Dataframe(headers=["measure", "value", "better"], interactive=False, elem_id="measures")
            download = gradio.File(label="Fused picture", interactive=False, elem_id="download")
        button.click(
            _fuse,
            [*files, method, color, resize, side, compared],
            [message, slider, table, download, state],
            concurrency_limit=1,
        )
        compared.change(_shown, [state, compared], slider)
    return blocks


def launch(host: str, port: int, block: bool = True) -> tuple[gradio.Blocks, str]:
    """Starts the page and returns it with its address.

    Args:
        host: the address that the page listens at; "127.0.0.1" serves this machine alone.
        port: 0 = the first free port from 7860 on.
        block: wait until the program is stopped.

    Raises:
        InputError: the port is taken, or the address is not this machine's.
    """
    blocks = page()
    try:
        _, address, _ = blocks.queue(max_size=32).launch(
            server_name=host,
            server_port=port or None,
            share=False,
            quiet=True,
            ssr_mode=False,
            max_file_size="256mb",
            prevent_thread_lock=True,
        )
    except (OSError, ValueError) as error:
        raise InputError(f"The page cannot listen at {host}, port {port} ({error}); expected a free port.") from error
    print(f"The page is at {address}; stop it with Ctrl+C.", flush=True)
    if block:
        blocks.block_thread()
    return blocks, address


def _fuse(
    infrared: str | None,
    visible: str | None,
    both: str | None,
    method: str,
    color: str,
    resize: str,
    side: str,
    compared: str,
) -> tuple[Any, ...]:
    own = "" if color == BY_METHOD else color
    try:
        result = answer(infrared, visible, both, Wishes(method, own, resize, side))
    except InputError as error:
        return f"**{error}**", None, None, None, None
    except Exception as error:  # a page must stay up, whatever a file holds
        traceback.print_exc()
        return f"**The pair could not be fused ({type(error).__name__}).**", None, None, None, None
    pictures = dict(zip((*COMPARED, "fused"), result[:3], strict=True))
    rows = [list(row) for row in result.measures]
    return result.notes or "Fused.", _shown(pictures, compared), rows, str(result.file), pictures


def _shown(pictures: dict[str, Any] | None, compared: str) -> tuple[Any, Any] | None:
    return None if pictures is None else (pictures[compared], pictures["fused"])
