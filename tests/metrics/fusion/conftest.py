"""Images of plain formulas, on which figures can be frozen."""

import numpy as np
import pytest


@pytest.fixture(scope="session")
def synthetic_images():
    """Infrared [H, W], visible and fused [H, W, 3], uint8: waves, discs and edges of plain formulas."""
    y, x = np.mgrid[:170, :203].astype(np.float64)
    disc = ((y - 60) ** 2 + (x - 120) ** 2 < 900) * 110.0
    infrared = 60 + 30 * np.sin(x / 17) * np.cos(y / 23) + disc + (x * 7 + y * 13) % 5
    stripes = 40 * np.sign(np.sin((x + 2 * y) / 9)) + 25 * np.sin(x * y / 400)
    visible = np.stack([110 + stripes, 90 + 0.8 * stripes + y / 4, 130 - 0.5 * stripes + x / 5], axis=-1)
    fused = 0.45 * infrared[..., None] + 0.6 * visible + 8 * np.sin(y / 3)[..., None]
    return [np.clip(np.floor(image), 0, 255).astype(np.uint8) for image in (infrared, visible, fused)]
