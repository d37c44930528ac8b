"""JPEG files in which FLIR and DJI keep their measurements."""

import io
import struct
import sys
import types

import numpy as np
import pytest
from PIL import Image

from bilevel_jax.errors import InputError
from bilevel_jax.images.thermal import read_infrared
from bilevel_jax.images.thermal.jpeg_segments import application_segments

COUNTS = np.linspace(9000, 15000, 6 * 8).reshape(6, 8).astype(np.uint16)
R1, R2, B, F, OFFSET = 21106.77, 0.012545258, 1501.0, 1.0, -7340  # Planck constants of a FLIR E40


def picture(colored=False, size=(32, 24)):
    image = Image.linear_gradient("L").resize(size)
    if colored:
        image = Image.merge("RGB", [image, Image.new("L", size, 40), image.transpose(Image.Transpose.ROTATE_180)])
    file = io.BytesIO()
    image.save(file, "JPEG", quality=95)
    return file.getvalue()


def segment(number, content):
    return bytes([0xFF, 0xE0 + number]) + struct.pack(">H", len(content) + 2) + content


def with_segments(data, *segments):
    return data[:2] + b"".join(segments) + data[2:]


def flir_records():
    """FLIR's directory with the counts and the constants of a camera that sees without atmosphere or reflection."""
    raw = bytes(2) + struct.pack("<HH", 8, 6) + bytes(26) + COUNTS.astype("<u2").tobytes()
    camera = bytearray(1100)
    struct.pack_into("<6f", camera, 32, 1.0, 0.0, 293.15, 293.15, 293.15, 1.0)
    struct.pack_into("<f", camera, 60, 0.0)
    struct.pack_into("<3f", camera, 88, R1, B, F)
    struct.pack_into("<if", camera, 776, OFFSET, R2)
    start = 64 + 32 * 4
    entries = b"".join(
        struct.pack(">HHIIII12x", kind, 1, 100, 1, offset, length)
        for kind, offset, length in ((1, start, len(raw)), (32, start + len(raw), len(camera)))
    )
    head = b"FFF\0" + bytes(16) + struct.pack(">III", 100, 64, 4) + bytes(32)
    return head + entries + bytes(64) + raw + bytes(camera)


def flir_file(tmp_path, colored=False):
    path = tmp_path / "a.jpg"
    path.write_bytes(with_segments(picture(colored), segment(1, b"FLIR\0\1\0\0" + flir_records())))
    return path


def test_flir_gives_degrees_celsius_at_the_size_of_the_picture(tmp_path):
    pytest.importorskip("flyr")
    samples, notes = read_infrared(flir_file(tmp_path))
    assert samples.shape == (24, 32, 1) and samples.dtype == np.float32 and notes == ()
    expected = B / np.log(R1 / (R2 * (COUNTS.astype(float) + OFFSET)) + F) - 273.15
    assert samples.min() == pytest.approx(expected.min(), abs=0.1)
    assert samples.max() == pytest.approx(expected.max(), abs=0.1)


def fake_flyr(monkeypatch, unpack):
    monkeypatch.setitem(sys.modules, "flyr", types.SimpleNamespace(unpack=unpack))


def test_flyr_is_given_the_file_and_its_temperatures_are_turned_and_enlarged(tmp_path, monkeypatch):
    given = []

    def unpack(file):
        given.append(file.read())
        return types.SimpleNamespace(celsius=np.arange(48.0).reshape(6, 8))

    fake_flyr(monkeypatch, unpack)
    path = flir_file(tmp_path)
    samples = read_infrared(path).samples[..., 0]
    assert given == [path.read_bytes()] and samples.shape == (24, 32)
    assert samples[0, 0] == 0 and samples[-1, -1] == 47 and (np.diff(samples, axis=1) >= 0).all()


def test_measurements_of_another_shape_than_the_picture_keep_their_size(tmp_path, monkeypatch):
    fake_flyr(monkeypatch, lambda file: types.SimpleNamespace(celsius=np.zeros((6, 9)) + np.arange(9)))
    assert read_infrared(flir_file(tmp_path)).samples.shape == (6, 9, 1)


def test_damaged_measurements_are_refused(tmp_path, monkeypatch):
    def unpack(file):
        raise KeyError(1)

    fake_flyr(monkeypatch, unpack)
    with pytest.raises(
        InputError, match=r"a.jpg is a radiometric JPEG of FLIR whose temperatures cannot be read \(Key"
    ):
        read_infrared(flir_file(tmp_path))


def test_without_flyr_a_grey_picture_is_read_and_a_coloured_one_refused(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "flyr", None)
    samples, notes = read_infrared(flir_file(tmp_path))
    assert samples.shape == (24, 32, 1) and samples.dtype == np.uint8
    assert r"pip install 'bilevel-jax[thermal]'" in notes[0]
    with pytest.raises(InputError, match=r"a.jpg is a radiometric JPEG of FLIR.*pip install 'bilevel-jax\[thermal\]'"):
        read_infrared(flir_file(tmp_path, colored=True))


def dji_file(tmp_path, *segments, make=None):
    file, exif = io.BytesIO(picture()), Image.Exif()
    if make:
        exif[271], data = make, io.BytesIO()
        Image.open(file).save(data, "JPEG", exif=exif)
        file = data
    path = tmp_path / "DJI_0001_T.JPG"
    path.write_bytes(with_segments(file.getvalue(), *segments))
    return path


XMP = segment(1, b'http://ns.adobe.com/xap/1.0/\0<x drone-dji:Version="1.4"/>')


def test_measurements_of_dji_are_refused_with_the_way_to_convert_them(tmp_path):
    for path in (
        dji_file(tmp_path, XMP, segment(3, bytes(100))),
        dji_file(tmp_path, segment(3, bytes(100)), segment(4, b"\xaa\x55\x12\x06"), make="DJI"),
    ):
        with pytest.raises(InputError, match="DJI_0001_T.JPG is a radiometric JPEG of DJI.*dji_irp -a measure"):
            read_infrared(path)


def test_a_picture_of_dji_and_segments_of_others_are_no_measurements(tmp_path):
    for segments, make in (((XMP,), "DJI"), ((segment(3, bytes(100)),), "Canon"), ((segment(3, bytes(9)),), None)):
        assert read_infrared(dji_file(tmp_path, *segments, make=make)).samples.shape == (24, 32, 1)


def test_segments_are_listed_and_damage_ends_the_list():
    data = with_segments(picture(), segment(3, b"abc"), segment(5, b""))
    assert [(3, b"abc"), (5, b"")] == list(application_segments(data))[:2]
    for damaged in (b"", b"\xff\xd8", b"\xff\xd8\xff\xe3", b"\xff\xd8\xff\xe3\0\0abc", b"\x89PNG", data[:5]):
        assert all(len(content) <= 4 for _, content in application_segments(damaged))
