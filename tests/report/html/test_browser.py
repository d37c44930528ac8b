"""The report page in headless Chromium: no console error, sorting, the slider, the theme, a phone's width."""

import shutil

import numpy as np
import pytest

from bilevel_jax.report import html

BROWSER, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
webdriver = pytest.importorskip("selenium.webdriver")
pytestmark = pytest.mark.skipif(not (BROWSER and DRIVER), reason="needs chromium and chromedriver")
FLAGS = (
    "headless=new no-sandbox disable-gpu disable-quic no-first-run disable-background-networking "
    "disable-component-update disable-sync disable-dev-shm-usage"
)


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    folder = tmp_path_factory.mktemp("browser")
    rng = np.random.default_rng(0)
    rows = {"a": {"up": 1.0, "down": 3.0}, "b": {"up": 3.0, "down": 1.0}, "c": {"up": None, "down": 2.0}}
    steps = list(range(1, 500))
    dark, bright = np.full((60, 80), 50, np.uint8), np.full((60, 80, 3), 90, np.uint8)
    report = html.Report(
        "A page",
        tables=[html.Table("Table", [html.Metric("up"), html.Metric("down", "down")], rows)],
        curves=[html.Panel("Loss", {"x": (steps, rng.random(499)), "y": (steps, [None] * 499)}, marks=[(9, "here")])],
        pictures=[html.Picture(n, {"ir": dark, "fused": bright}, [html.Box(5, 5, 20, 30, "car")]) for n in "pq"],
        config={"a very long name of a key " * 4: "x" * 300},
        command="python x.py " + "y" * 300,
    )
    html.write_report(folder / "index.html", report)
    options = webdriver.ChromeOptions()
    options.binary_location = BROWSER
    for flag in [*FLAGS.split(), f"user-data-dir={folder / 'profile'}"]:
        options.add_argument(f"--{flag}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    driver.get((folder / "index.html").as_uri())
    yield driver
    logged = driver.get_log("browser")
    driver.quit()
    assert logged == []


def first_column(browser):
    return browser.execute_script("return [...document.querySelector('tbody').rows].map(r => r.cells[0].dataset.value)")


def click(browser, selector):
    browser.execute_script("document.querySelector(arguments[0]).click()", selector)


def test_a_column_sorts_best_first_then_the_other_way_with_the_undefined_last(browser):
    click(browser, "th:nth-child(2) button")
    assert first_column(browser) == ["b", "a", "c"]
    click(browser, "th:nth-child(2) button")
    assert first_column(browser) == ["a", "b", "c"]
    click(browser, "th:nth-child(3) button")
    assert first_column(browser) == ["b", "c", "a"]
    click(browser, "th:nth-child(1) button")
    assert first_column(browser) == ["a", "b", "c"]


def test_the_slider_moves_the_edge_between_two_views(browser):
    # What a hand does: it drags in the middle of the picture; all pictures follow.
    slider = browser.find_element("css selector", ".compare input")
    browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", slider)
    width = slider.size["width"]
    chain = webdriver.ActionChains(browser).move_to_element(slider).click_and_hold()
    chain.move_by_offset(-width // 4, 0).release().perform()
    splits = browser.execute_script(
        "return [...document.querySelectorAll('.compare')].map(c => parseFloat(c.style.getPropertyValue('--split')))"
    )
    assert len(splits) == 2 and all(20 < split < 30 for split in splits)
    clips = "return getComputedStyle(document.querySelector('.compare img.left')).clipPath"
    assert browser.execute_script(clips).startswith("inset(0")


def test_the_difference_is_right_minus_left_times_the_gain(browser):
    click(browser, "#difference")
    drawn = """
        const done = arguments[arguments.length - 1], scene = document.querySelector('.compare');
        scene.scrollIntoView();
        const wait = () => scene.dataset.drawn ? done([...scene.querySelector('canvas').getContext('2d')
            .getImageData(5, 5, 1, 1).data]) : setTimeout(wait, 20);
        wait();"""
    red, green, blue, _ = browser.execute_async_script(drawn)
    assert (red, green, blue) == (80, 44, 8)  # 90 - 50, times 2, in orange: the right view is brighter
    click(browser, "#difference")


def test_curves_are_drawn_and_a_click_hides_one(browser):
    count = "return document.querySelectorAll('.plot .curve').length"
    assert browser.execute_script(count) == 2
    click(browser, ".chart .legend button")
    assert browser.execute_script(count) == 1


def test_the_switch_changes_the_colours(browser):
    colour = "return getComputedStyle(document.body).backgroundColor"
    seen = {}
    for _ in range(3):
        click(browser, "#theme")
        seen[browser.execute_script("return document.documentElement.dataset.theme || 'auto'")] = (
            browser.execute_script(colour)
        )
    assert set(seen) == {"auto", "light", "dark"} and seen["light"] != seen["dark"]


def test_nothing_is_wider_than_a_phone(browser):
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride", {"width": 390, "height": 800, "deviceScaleFactor": 1, "mobile": True}
    )
    assert browser.execute_script("return [innerWidth, document.documentElement.scrollWidth]") == [390, 390]
