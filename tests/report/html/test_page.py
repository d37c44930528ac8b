"""The report page as text: its structure, escaping, undefined figures, missing parts."""

import re
from html.parser import HTMLParser

import numpy as np
import pytest

from bilevel_jax.errors import InputError
from bilevel_jax.report import html

VOID = {"meta", "link", "img", "input", "br"}
HOSTILE = '<img src=x onerror=alert(1)> & "q" \' ünï 红外'


class Reader(HTMLParser):
    """Checks that every element is closed in order, and keeps elements and text."""

    def __init__(self, page):
        super().__init__()
        self.open, self.elements, self.texts = [], [], []
        self.feed(page)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)

    def all(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]


def small_report():
    rng = np.random.default_rng(0)
    rows = {
        "ours": {"SSIM": 1.2, "Qcv": 30.0, "EN": 7.0},
        HOSTILE: {"SSIM": 1.3, "Qcv": 20.0, "EN": float("nan")},
        "third": {"SSIM": 1.1, "Qcv": 40.0, "EN": None},
    }
    metrics = [html.Metric("SSIM"), html.Metric("Qcv", "down"), html.Metric("EN", unit="bit", description="<entropy>")]
    pictures = [
        html.Picture(
            name,
            {"infrared": rng.random((40, 60)), "fused": rng.integers(0, 255, (40, 60, 3), np.uint8)},
            [html.Box(2, 3, 30, 20, HOSTILE)],
        )
        for name in (HOSTILE, "b")
    ]
    steps = list(range(1, 600))
    return html.Report(
        HOSTILE,
        warnings=["beaten"],
        tables=[html.Table("Quality", metrics, rows, {"ours": {"SSIM": (1.1, 1.3)}}, highlighted=["ours"])],
        curves=[html.Panel("Loss </script>", {HOSTILE: (steps, [None, *np.linspace(2, 1, 598)])}, unit="s")],
        pictures=pictures,
        scores=html.Scores((HOSTILE, "b"), metrics, {"ours": {"SSIM": [1.0, 1.4], "Qcv": [1, 2], "EN": [np.nan] * 2}}),
        config={"a": {"b": HOSTILE}},
        environment={"Python": "3"},
        command="python x.py --fused='a b'",
    )


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    path = tmp_path_factory.mktemp("report") / "deep" / "index.html"
    html.write_report(path, small_report())
    assert [p.name for p in path.parent.iterdir()] == ["index.html"]
    return path.read_text(encoding="utf-8")


def test_the_page_is_well_formed_and_needs_no_network(page):
    reader = Reader(page)
    for tag, attributes in reader.elements:
        for name in ("src", "href"):
            value = attributes.get(name)
            assert value is None or value.startswith(("data:", "#")), (tag, value)
    # The one address in the page is the name of the SVG language.
    assert set(re.findall(r"https?://[^\"'\s]+", page)) == {"http://www.w3.org/2000/svg"}
    ids = [attributes["id"] for _, attributes in reader.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert {a["href"][1:] for a in reader.all("a")} <= set(ids)


def test_names_are_escaped(page):
    reader = Reader(page)
    assert "onerror" not in {name for _, attributes in reader.elements for name in attributes}
    assert sum(HOSTILE in text for text in reader.texts) >= 5  # title, heading, rows, picture, config
    assert page.count("</script>") == len(reader.all("script"))


def test_the_best_is_marked_and_the_undefined_is_a_dash(page):
    body = page[page.index("<tbody>") : page.index("</tbody>")]
    assert re.findall(r'class="best"[^>]*>([\d.]+)', body) == [
        "1.300",
        "20.000",
    ]  # EN has one figure: nothing to compare
    assert body.count("<td>-</td>") == 2
    assert "1.100 – 1.300" in body
    assert ">nan<" not in page and "NaN" not in page[: page.index("<script>")]


def test_pictures_are_bounded_and_the_page_says_so(tmp_path):
    report = html.Report("x", pictures=[html.Picture(str(i), {"a": np.zeros((30, 300))}) for i in range(5)])
    html.write_report(tmp_path / "a.html", report, max_pictures=3, max_side=100)
    page = (tmp_path / "a.html").read_text()
    assert [(i["width"], i["height"]) for i in Reader(page).all("img")] == [("100", "10")] * 3
    assert "3 of 5 scenes" in page and "at most 100 pixels" in page


def test_a_page_without_parts(tmp_path):
    html.write_report(tmp_path / "a.html", html.Report("bare"))
    reader = Reader((tmp_path / "a.html").read_text())
    assert not reader.all("table") and not reader.all("img") and "bare" in reader.texts


def test_a_picture_of_another_shape_is_refused_and_nothing_is_written(tmp_path):
    report = html.Report("x", pictures=[html.Picture("p", {"a": np.zeros((4, 4, 2))})])
    with pytest.raises(InputError, match=r"\(4, 4, 2\)"):
        html.write_report(tmp_path / "a.html", report)
    assert not list(tmp_path.iterdir())
