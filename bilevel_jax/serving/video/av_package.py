"""The package PyAV, which reads and writes videos and which only some users install."""

from types import ModuleType

from bilevel_jax.errors import InputError


def load_av() -> ModuleType:
    """Returns the module `av`; raises InputError, which says what to install, where it is missing."""
    try:
        import av
    except ImportError as error:
        raise InputError(
            "Videos need the package av (PyAV), which is not installed; install it with: pip install "
            "'bilevel-jax[video]'."
        ) from error
    return av
