"""The application segments at the start of a JPEG file, in which cameras keep their measurements."""

from collections.abc import Iterator

_ALONE = (0x01, *range(0xD0, 0xD9))  # markers without a length: TEM, RST0 to RST7, SOI
_SCAN, _END = 0xDA, 0xD9
_APP0, _APP15 = 0xE0, 0xEF


def application_segments(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yields (number, content) of each APPn segment of a JPEG file; nothing for other files, and stops at damage."""
    if not data.startswith(b"\xff\xd8"):
        return
    place = 2
    while place + 4 <= len(data) and data[place] == 0xFF:
        marker = data[place + 1]
        if marker == 0xFF or marker in _ALONE:  # fill bytes may stand before a marker
            place += 1 if marker == 0xFF else 2
            continue
        if marker in (_SCAN, _END):
            return
        length = int.from_bytes(data[place + 2 : place + 4], "big")
        if length < 2:
            return
        if _APP0 <= marker <= _APP15:
            yield marker - _APP0, data[place + 4 : place + 2 + length]
        place += 2 + length
