"""A running `bilevel-fuse page` under hostile uploads: each gets the command's sentence, a good pair its picture."""

import io
import json
import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
import zlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

from bilevel_jax.commands.fuse import fuse_command
from bilevel_jax.errors import run_command

pytest.importorskip("gradio")
SIZE = (40, 48)
SECONDS = 300  # of patience with a busy machine
START = "from bilevel_jax.start import fuse; raise SystemExit(fuse())"
RANDOM = np.random.default_rng(0)
INFRARED, VISIBLE = (RANDOM.integers(0, 255, (*SIZE, *more), np.uint8) for more in ((), (3,)))


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """Where a running page listens; it must still run after the tests."""
    folder = tmp_path_factory.mktemp("uploads")
    output = folder / "output.txt"
    with output.open("w") as out:
        page = subprocess.Popen(
            [sys.executable, "-c", START, "page", "--port=0"],
            stdout=out,
            stderr=subprocess.STDOUT,
            env={**os.environ, "GRADIO_TEMP_DIR": str(folder / "uploads"), "TMPDIR": str(folder)},
        )
    try:
        for _ in range(10 * SECONDS):
            found = re.search(r"The page is at (\S+);", output.read_text())
            if found or page.poll() is not None:
                break
            time.sleep(0.1)
        assert found, output.read_text()
        yield found[1]
        assert page.poll() is None, output.read_text()
    finally:
        page.kill()
        page.wait()


def post(url, body, kind="application/json"):
    request = urllib.request.Request(url, body, {"Content-Type": kind})
    with urllib.request.urlopen(request, timeout=SECONDS) as answer:
        return json.loads(answer.read())


def upload(address, name, content):
    """Uploads a file and returns what names it in a call."""
    head = f'--limit\r\nContent-Disposition: form-data; name="files"; filename="{name}"\r\n\r\n'.encode()
    body = head + content + b"\r\n--limit--\r\n"
    (path,) = post(f"{address}gradio_api/upload", body, "multipart/form-data; boundary=limit")
    return {"path": path, "meta": {"_type": "gradio.FileData"}}


def press_fuse(address, *files, align="none"):
    """Presses the button and returns what is shown, or "error" where gradio itself refuses."""
    given = {"data": [*files, "max", "the method's own", "none", "left", align, "visible"]}
    call = f"{address}gradio_api/call/fuse"
    event = post(call, json.dumps(given).encode())["event_id"]
    with urllib.request.urlopen(f"{call}/{event}", timeout=SECONDS) as answer:
        lines = answer.read().decode().splitlines()
    ending = [line for line in lines if line.startswith("event: ")][-1]
    data = [line.removeprefix("data: ") for line in lines if line.startswith("data: ")][-1]
    return json.loads(data) if ending == "event: complete" else "error"


def encoded(image, form, **options):
    out = io.BytesIO()
    Image.fromarray(image).save(out, form, **options)
    return out.getvalue()


def array(header):
    """A file of NumPy with this header and no data."""
    text = header.ljust(117).encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text


def chunk(name, content):
    return len(content).to_bytes(4, "big") + name + content + zlib.crc32(name + content).to_bytes(4, "big")


def text_bomb():
    """A PNG whose text unpacks to 64 MB."""
    whole = encoded(VISIBLE, "PNG")
    return whole[:33] + chunk(b"zTXt", b"Comment\0\0" + zlib.compress(b"a" * (64 << 20))) + whole[33:]


def pixel_bomb(side):
    """A PNG of `side` x `side` pixels in two colours."""
    out = io.BytesIO()
    Image.new("1", (side, side)).save(out, "PNG")
    return out.getvalue()


def hostile(count):
    """Pairs of a file's name and content, of which no two are the same."""
    forms = [("png", "PNG"), ("jpg", "JPEG"), ("tif", "TIFF"), ("webp", "WEBP"), ("bmp", "BMP")]
    bombs = [
        ("bomb.png", pixel_bomb(20_000)),
        ("text.png", text_bomb()),
        ("huge.pgm", b"P5 60000 60000 255\n" + b"0" * 99),
        ("huge.npy", array("{'descr': '<f8', 'fortran_order': False, 'shape': (1000000, 1000000), }")),
        ("object.npy", array("{'descr': '|O', 'fortran_order': False, 'shape': (3, 3), }")),
        ("flat.tif", encoded(np.zeros((2, 2), np.uint8), "TIFF").replace(b"\x02\x00\x00\x00", b"\xff\xff\xff\x7f")),
        ("nested.csv", b"1," * (1 << 20)),
    ]
    kinds = [
        lambda n: (f"empty_{n}.{forms[n % 5][0]}", b""),
        lambda n: (f"half_{n}.{forms[n % 5][0]}", _cut(encoded(VISIBLE, forms[n % 5][1]))),
        lambda n: (f"grey_{n}.{forms[n % 5][0]}", _cut(encoded(INFRARED, forms[n % 5][1]))),
        lambda n: (f"text_{n}.png", b"not a picture " * (n + 1)),
        lambda n: (f"page_{n}.jpg", b"<html><script>alert(1)</script>" * (n + 1)),
        lambda n: (f"noise_{n}.tif", b"II*\0" + RANDOM.bytes(200)),
        lambda n: (f"film_{n}.png", b"\0\0\0\x20ftypisom" + RANDOM.bytes(300)),
        lambda n: (f"archive_{n}.npy", b"PK\x03\x04" + RANDOM.bytes(100)),
        lambda n: (f"{n}_<b>**name**.png", RANDOM.bytes(50)),
        lambda n: (f"{'long' * 40}_{n}.png", RANDOM.bytes(50)),
    ]
    made = [kinds[n % len(kinds)](n) for n in range(count)]
    return [*bombs, *made][:count]


def _cut(whole):
    return whole[: int(RANDOM.integers(4, len(whole) * 3 // 4))]


def sentence_of_the_command(folder, capsys, infrared, visible):
    """What the command prints of a pair that it refuses, with the files' names alone."""
    capsys.readouterr()
    given = [f"--ir={infrared}", f"--vis={visible}", f"--out={folder / 'out'}", "--method=max"]
    assert run_command(fuse_command, ["bilevel-fuse", *given]) == 2, infrared
    said = capsys.readouterr().err
    return said[said.index("error: ") + len("error: ") :].strip().replace(f"{folder}/", "")


@pytest.mark.parametrize("count", [20, pytest.param(200, marks=pytest.mark.slow)])
def test_every_hostile_upload_gets_the_sentence_of_the_command(address, tmp_path, capsys, count):
    good = {"ir.png": encoded(INFRARED, "PNG"), "vis.png": encoded(VISIBLE, "PNG")}
    for name, content in good.items():
        (tmp_path / name).write_bytes(content)

    def ask(one):
        number, (name, content) = one
        bad = upload(address, name, content)
        if number % 2:
            return bad, press_fuse(address, bad, upload(address, "vis.png", good["vis.png"]), None)
        return bad, press_fuse(address, upload(address, "ir.png", good["ir.png"]), bad, None)

    files = hostile(count)
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(ask, enumerate(files)))
    for number, ((name, content), (bad, shown)) in enumerate(zip(files, answers, strict=True)):
        stored = tmp_path / os.path.basename(bad["path"])  # gradio shortens names and drops what paths may not hold
        stored.write_bytes(content)
        pair = (stored, tmp_path / "vis.png") if number % 2 else (tmp_path / "ir.png", stored)
        assert shown != "error", name
        expected = sentence_of_the_command(tmp_path, capsys, *pair)
        assert stored.name in expected and "\n" not in expected
        assert shown[0] == f"**{expected}**" and shown[1] is None and shown[2]["data"] == [] and shown[3] is None
        stored.unlink()

    pair = [upload(address, name, content) for name, content in good.items()]
    shown = press_fuse(address, *pair, None)
    assert shown[0] == "Fused." and shown[3]["path"].endswith("vis_fused.png")


def test_requests_that_are_no_uploads_do_not_stop_the_page(address):
    for body, kind in ((b"\xff" * 1000, "multipart/form-data; boundary=limit"), (b"{}", "text/plain"), (b"", "")):
        with pytest.raises(urllib.error.HTTPError):
            post(f"{address}gradio_api/upload", body, kind)
    outside = {"path": "/etc/hostname", "meta": {"_type": "gradio.FileData"}}
    assert press_fuse(address, outside, outside, None) == "error"  # gradio serves uploaded files alone
    pair = [upload(address, name, encoded(image, "PNG")) for name, image in (("a.png", INFRARED), ("b.png", VISIBLE))]
    assert press_fuse(address, *pair, None)[0] == "Fused."


def test_a_pair_and_a_side_by_side_file_are_aligned_on_request(address):
    pytest.importorskip("cv2")
    small = Image.fromarray(np.random.default_rng(0).integers(0, 256, (12, 15)).astype(np.uint8))
    levels = np.asarray(small.resize((232, 144), Image.Resampling.BICUBIC)) // 48 * 48
    infrared, visible = 255 - levels[:, 12:204], np.stack([levels[:, 20:212]] * 3, -1)
    both = np.concatenate([np.stack([infrared] * 3, -1), visible // np.array([1, 1, 2], np.uint8)], 1)
    pair = [upload(address, f"{name}.png", encoded(one, "PNG")) for name, one in (("x", infrared), ("y", visible))]
    assert "x.png seems to be shifted" in press_fuse(address, *pair, None)[0]
    shown = press_fuse(address, *pair, None, align="translation")
    assert "x.png was moved by a translation. Its trust is " in shown[0] and shown[3] is not None
    shown = press_fuse(address, None, None, upload(address, "both.png", encoded(both, "PNG")), align="translation")
    assert "both_left.png was moved by a translation. Its trust is " in shown[0]
