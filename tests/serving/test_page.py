"""The page in headless Chromium: real uploads and clicks, also of files that are no pictures."""

import shutil

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("gradio")
BROWSER, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
webdriver = pytest.importorskip("selenium.webdriver")
pytestmark = [
    pytest.mark.skipif(not (BROWSER and DRIVER), reason="needs chromium and chromedriver"),
    # The server's threads and sockets are gradio's.
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"),
]
FLAGS = (
    "headless=new no-sandbox disable-gpu disable-quic no-first-run disable-background-networking "
    "disable-component-update disable-sync disable-dev-shm-usage window-size=1200,1400"
)
SECONDS = 60


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    from bilevel_jax.serving.page.app import launch

    folder = tmp_path_factory.mktemp("page")
    blocks, address = launch("127.0.0.1", 0, block=False)
    options = webdriver.ChromeOptions()
    options.binary_location = BROWSER
    for flag in [*FLAGS.split(), f"user-data-dir={folder / 'profile'}"]:
        options.add_argument(f"--{flag}")
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    driver.get(address)
    driver.implicitly_wait(SECONDS)
    yield driver
    driver.quit()
    blocks.close()


def wait(browser, condition):
    from selenium.webdriver.support.ui import WebDriverWait

    return WebDriverWait(browser, SECONDS).until(condition)


def upload(browser, name, path):
    browser.find_element("css selector", f"#{name} input[type=file]").send_keys(str(path))
    wait(browser, lambda page: path.name[:4] in page.find_element("id", name).text)


def pictures(folder):
    random = np.random.default_rng(0)
    Image.fromarray(random.integers(0, 255, (60, 80), np.uint8)).save(folder / "heat.png")
    Image.fromarray(random.integers(0, 255, (60, 80, 3), np.uint8)).save(folder / "view.png")


def message(browser):
    return browser.find_element("id", "message").text


def test_a_bad_file_gets_a_sentence_and_a_good_pair_its_picture(browser, tmp_path):
    pictures(tmp_path)
    (tmp_path / "view_broken.png").write_bytes((tmp_path / "view.png").read_bytes()[:900])
    upload(browser, "infrared", tmp_path / "heat.png")
    browser.find_element("id", "fuse").click()
    wait(browser, lambda page: "The visible file is missing" in message(page))
    upload(browser, "visible", tmp_path / "view_broken.png")
    browser.find_element("id", "fuse").click()
    wait(browser, lambda page: "view_broken.png" in message(page))
    browser.refresh()
    upload(browser, "infrared", tmp_path / "heat.png")
    upload(browser, "visible", tmp_path / "view.png")
    browser.find_element("id", "fuse").click()
    wait(browser, lambda page: "Fused." in message(page))
    wait(browser, lambda page: len(page.find_elements("css selector", "#slider img")) >= 2)
    assert "view_fused" in browser.find_element("id", "download").text
    assert "VIF" in browser.find_element("id", "measures").text
