"""Writes a `Fuser` as an ONNX file: the whole program, from the bytes of two images to the bytes of the fused one."""

from collections.abc import Callable

from bilevel_jax.errors import InputError


def load_export() -> Callable[..., int]:
    """Returns `export.export_onnx`; raises InputError, which says what to install, where onnx is missing."""
    try:
        from bilevel_jax.serving.onnx_export.export import export_onnx
    except ImportError as error:
        raise InputError(f'{error.name} is missing; install it with: pip install "bilevel-jax[judge]"') from error
    return export_onnx
