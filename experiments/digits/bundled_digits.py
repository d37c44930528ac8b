"""The 1,797 handwritten digits that come with scikit-learn, so that nothing is downloaded."""

import numpy as np

from bilevel_jax.errors import InputError


def bundled_digits() -> tuple[np.ndarray, np.ndarray]:
    """The digits: images float32 [1797, 8, 8] in [0, 1] and labels int32 [1797].

    Raises:
        InputError: scikit-learn is not installed.
    """
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise InputError(f"The digits come with scikit-learn ({error}): pip install scikit-learn.") from error
    digits = load_digits()
    return (digits.images / 16).astype(np.float32), digits.target.astype(np.int32)
