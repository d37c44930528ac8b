"""The static page in headless Chromium: real files and clicks, the Fuser's picture, and no request to another host."""

import functools
import http.server
import importlib
import io
import json
import re
import shutil
import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bilevel_jax.errors import InputError
from bilevel_jax.inference import Fuser

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
webdriver = pytest.importorskip("selenium.webdriver")

ROOT = Path(__file__).parents[2]
BROWSER, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
FLAGS = (
    "headless=new no-sandbox disable-gpu disable-quic no-first-run disable-background-networking "
    "disable-component-update disable-sync disable-dev-shm-usage window-size=1200,1400"
)
SECONDS = 240  # a busy machine may take so long to start a browser
ELSEWHERE = "http://192.0.2.1/"  # an address that no host has
PIXELS = """
const canvas = document.getElementById("canvas");
return [canvas.width, canvas.height, ...canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data];
"""
FETCH = "const done = arguments[1]; fetch(arguments[0]).then(() => done('sent'), () => done('refused'));"
FETCH_IN_WORKER = """
const done = arguments[1];
const code = `fetch("${arguments[0]}").then(() => postMessage("sent"), () => postMessage("refused"));`;
const worker = new Worker(URL.createObjectURL(new Blob([code], { type: "text/javascript" })), { type: "module" });
worker.onmessage = ({ data }) => done(data);
"""


@pytest.fixture(scope="module")
def builder():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT / "docs"))
        yield importlib.import_module("build_browser")


class Site:
    """The page, served and open in a browser."""

    def __init__(self, folder, page):
        self.folder, self.log = folder, folder / "network.json"
        handler = functools.partial(QuietHandler, directory=str(page))
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.address = f"http://127.0.0.1:{self.server.server_port}/"
        options = webdriver.ChromeOptions()
        options.binary_location = BROWSER
        for flag in [*FLAGS.split(), f"user-data-dir={folder / 'profile'}", f"log-net-log={self.log}"]:
            options.add_argument(f"--{flag}")
        downloads = {"download.default_directory": str(folder), "download.prompt_for_download": False}
        options.add_experimental_option("prefs", downloads)
        options.set_capability("goog:loggingPrefs", {"performance": "ALL"})
        self.driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
        self.driver.get(self.address)
        self.until(lambda: self.find("fuse").is_enabled())

    def find(self, name):
        return self.driver.find_element("id", name)

    def until(self, condition):
        from selenium.webdriver.support.ui import WebDriverWait

        return WebDriverWait(self.driver, SECONDS).until(lambda _: condition())

    def choose(self, kind, path):
        self.find(kind).send_keys(str(path))
        self.until(lambda: path.name in self.find(f"{kind}-about").text)

    def fuse(self, gain=""):
        self.find("gain").clear()
        self.find("gain").send_keys(gain)
        self.find("fuse").click()
        self.until(lambda: self.find("fuse").is_enabled() and self.find("message").text not in ("", "Fusing."))
        return self.find("message").text

    def pixels(self, divider, source="infrared"):
        """What the canvas shows when the line stands at that percentage."""
        from selenium.webdriver.common.keys import Keys

        self.driver.find_element("css selector", f"input[value={source}]").click()
        self.find("divider").send_keys(Keys.HOME if divider == 0 else Keys.END)
        width, height, *levels = self.driver.execute_script(PIXELS)
        return np.array(levels, np.uint8).reshape(height, width, 4)[..., :3]

    def close(self):
        self.driver.quit()
        self.server.shutdown()
        self.server.server_close()


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def site(builder, tmp_path_factory):
    if not (BROWSER and DRIVER):
        pytest.skip("needs chromium and chromedriver")
    if not builder.cached_package().is_file():
        pytest.skip("needs onnxruntime-web, which this fetches: python docs/build_browser.py --out=FOLDER")
    folder = tmp_path_factory.mktemp("browser")
    builder.write_page(folder / "page")
    site = Site(folder, folder / "page")
    yield site
    site.close()


def pair(height, width, seed=0):
    """A dim infrared and a visible image with coarse and fine structure."""
    random = np.random.default_rng(seed)
    coarse = np.kron(random.random((height // 8 + 1, width // 8 + 1, 4)), np.ones((8, 8, 1)))[:height, :width]
    images = np.round(255 * np.clip(0.8 * coarse + 0.2 * random.random((height, width, 4)), 0, 1)).astype(np.uint8)
    return images[..., 0] // 3, images[..., 1:]


def saved(folder, name, array):
    Image.fromarray(array).save(folder / name)
    return folder / name


def levels_apart(one, other):
    assert one.shape == other.shape
    return np.abs(one.astype(int) - other.astype(int)).max()


def test_it_shows_and_saves_the_picture_of_the_fuser(site, tmp_path):
    fuser = Fuser.pretrained()
    infrared, visible = pair(61, 83)
    site.choose("infrared", saved(tmp_path, "heat.png", infrared))
    site.choose("visible", saved(tmp_path, "view.png", visible))
    message = site.fuse()
    assert re.fullmatch(r"Fused 83 x 61 pixels in \d+ ms\. The gain of the infrared picture was .*\.", message)
    assert float(message.split()[-1][:-1]) == pytest.approx(fuser.exposure_of(infrared), abs=0.0051) != 1
    fused = site.pixels(0)
    assert levels_apart(fused, fuser.fuse(infrared, visible)) <= 1
    assert levels_apart(site.pixels(100, "visible"), visible) == 0
    assert levels_apart(site.pixels(100, "infrared"), np.repeat(infrared[..., None], 3, -1)) == 0
    site.find("download").click()
    site.until((site.folder / "view_fused.png").exists)
    with Image.open(site.folder / "view_fused.png") as image:
        assert levels_apart(np.asarray(image.convert("RGB")), fused) == 0
    assert "was 1.70." in site.fuse("1.7")
    assert levels_apart(site.pixels(0), fuser.fuse(infrared, visible, exposure=1.7)) <= 1
    assert site.find("note").text == ""
    assert "The gain is not a positive number" in site.fuse("-1")
    assert site.driver.execute_async_script(FETCH, ELSEWHERE) == "refused"
    assert site.driver.execute_async_script(FETCH_IN_WORKER, ELSEWHERE) == "refused"


def with_end_cut_off(image, kind, **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()[:-200]


def test_each_bad_file_gets_a_sentence(site, tmp_path):
    infrared, visible = pair(60, 80)
    heat, view = saved(tmp_path, "heat.png", infrared), saved(tmp_path, "view.png", visible)
    picture, exif = Image.fromarray(visible), Image.Exif()
    preview = io.BytesIO()
    picture.resize((8, 6)).save(preview, "JPEG")
    exif[0x927C] = preview.getvalue()
    (tmp_path / "empty.png").touch()
    (tmp_path / "words.png").write_text("no picture")
    (tmp_path / "cut.png").write_bytes(with_end_cut_off(picture, "PNG"))
    (tmp_path / "cut.jpg").write_bytes(with_end_cut_off(picture, "JPEG", exif=exif))
    (tmp_path / "cut.webp").write_bytes(with_end_cut_off(picture, "WEBP"))
    (tmp_path / "cut.bmp").write_bytes(with_end_cut_off(picture, "BMP"))
    (tmp_path / "damaged.png").write_bytes(view.read_bytes()[:40] + bytes(900) + view.read_bytes()[940:])
    saved(tmp_path, "deep.png", infrared.astype(np.uint16) * 256)
    saved(tmp_path, "alpha.png", np.dstack([visible, infrared]))
    sentences = {
        "empty.png": "is empty",
        "words.png": "is no PNG, JPEG, WebP or BMP file",
        "cut.png": "is not whole",
        "cut.jpg": "is not whole",
        "cut.webp": "is not whole",
        "cut.bmp": "is not whole",
        "damaged.png": "cannot be read as a picture",
        "deep.png": "has 16 bits a channel",
        "alpha.png": "has transparent pixels",
    }
    site.choose("infrared", heat)
    for name, sentence in sentences.items():
        site.choose("visible", tmp_path / name)
        site.until(lambda start=f"{name} {sentence}": site.find("message").text.startswith(start))
        assert site.fuse().startswith("The visible picture is missing")
    site.choose("visible", saved(tmp_path, "small.png", visible[:-2]))
    assert site.fuse().startswith("heat.png has 80 x 60 pixels and small.png 80 x 58; expected one size.")
    site.choose("visible", heat)
    assert "are the same picture" in site.fuse()
    site.choose("infrared", view)
    assert site.fuse().startswith("Fused") and "view.png is in colours" in site.find("note").text


def test_no_request_leaves_for_another_host(site):
    """Runs last, because the browser writes its log when it ends."""
    events = [json.loads(entry["message"])["message"] for entry in site.driver.get_log("performance")]
    sent = [one["params"]["request"]["url"] for one in events if one["method"] == "Network.requestWillBeSent"]
    assert f"{site.address}fuse.js" in sent
    # Other schemes, such as chrome: and data:, stay in the browser.
    assert [url for url in sent if re.match("(http|ws)s?:", url) and not url.startswith(site.address)] == []
    # That log has the requests of the page. The log of the network has those of its worker too, and the browser's own.
    site.driver.quit()
    log = site.log.read_text()
    of_page = [line for line in log.splitlines() if f'"initiator":"{site.address[:-1]}"' in line]
    urls = {re.search('"url":"([^"]+)"', line)[1] for line in of_page}
    assert {f"{site.address}{name}" for name in ("pictures.js", "fuser.onnx", "onnxruntime_web.wasm")} <= urls
    assert {url for url in urls if not url.startswith(site.address)} == set()
    assert ELSEWHERE not in log


def test_without_npm_the_page_is_named_as_unavailable(builder, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(builder.PageUnavailableError, match="npm is missing, which fetches onnxruntime-web"):
        builder.write_page(tmp_path / "page")
    assert not (tmp_path / "page").exists()


def test_another_package_than_the_pinned_one_is_refused(builder, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(builder, "fetched_package", lambda: b"something else")
    with pytest.raises(InputError, match="npm fetched onnxruntime-web .* with the hash sha512-.*; expected sha512-"):
        builder.write_page(tmp_path / "page")
    assert not (tmp_path / "cache").exists() and not (tmp_path / "page").exists()


def test_a_folder_with_other_files_is_left_alone(builder, tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(InputError, match="holds other files"):
        builder.write_page(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]
