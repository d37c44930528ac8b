"""JPEG 2000 files of more than 8 bits, which Pillow reduces to 8 bits or scales to the full range of 16."""

import imagecodecs
import numpy as np
from jaxtyping import UInt16

_FILE = b"\0\0\0\x0cjP  \r\n\x87\n"
_CODESTREAM = b"\xff\x4f\xff\x51"  # the markers "start of codestream" and "size" (ISO/IEC 15444-1, Annex A)
_DEPTH_AT = 42  # bytes from there to the depth of the first component


def decode_deep(data: bytes) -> UInt16[np.ndarray, "h w *c"] | None:
    """Decodes a JPEG 2000 file of more than 8 bits a sample, without scaling; returns None where the bytes are another.

    Raises:
        imagecodecs.Jpeg2kError: the file is damaged or truncated.
    """
    if not data.startswith((_FILE, _CODESTREAM)):
        return None
    start = data.find(_CODESTREAM)
    if start < 0 or len(data) <= start + _DEPTH_AT or (data[start + _DEPTH_AT] & 0x7F) + 1 <= 8:
        return None
    return imagecodecs.jpeg2k_decode(data)
