"""Puts the parts of a report together to one page, with style and scripts inside, and writes it."""

import os
from collections.abc import Mapping
from importlib import resources

from bilevel_jax.atomic import replacing
from bilevel_jax.report.html.content import Report, Section
from bilevel_jax.report.html.curves import chart_data
from bilevel_jax.report.html.markup import data_script, element, text
from bilevel_jax.report.html.score_lists import score_lists
from bilevel_jax.report.html.tables import table_section
from bilevel_jax.report.html.wall import picture_wall

SCRIPTS = ("theme.js", "tables.js", "chart.js", "curves.js", "wall.js")
# This policy makes the browser refuse to fetch anything.
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'"


def write_report(
    path: str | os.PathLike,
    report: Report,
    *,
    max_pictures: int = 24,
    max_side: int = 640,
    max_megabytes: float = 20.0,
) -> None:
    """Writes a report as one HTML file. The file is written completely or not at all.

    The page says so when one of the limits leaves out or shrinks pictures.

    Args:
        path: the file, usually DIR/index.html; missing folders are created.
        report: the content.
        max_pictures: the most scenes on the picture wall; further ones are left out.
        max_side: pixels; larger pictures are scaled down to this longer side.
        max_megabytes: of all pictures together; scenes beyond this size are left out.

    Raises:
        InputError: a picture has another shape than [H, W], [H, W, 1] or [H, W, 3], or `path` cannot be written.
    """
    page = page_text(report, max_pictures=max_pictures, max_side=max_side, max_bytes=int(max_megabytes * 1e6))
    with replacing(path) as temporary:
        temporary.write_bytes(page.encode("utf-8"))


def page_text(report: Report, *, max_pictures: int, max_side: int, max_bytes: int) -> str:
    """The whole page as text; see `write_report`."""
    wall = picture_wall(
        report.pictures,
        report.shown_views,
        report.colors,
        max_pictures=max_pictures,
        max_side=max_side,
        max_bytes=max_bytes,
    )
    parts = [(table.title, table_section(table)) for table in report.tables]
    parts += [
        ("Pictures", wall.markup),
        ("Best and worst images", score_lists(report.scores, wall.anchors) if report.scores else ""),
        ("Curves", _curves(report)),
        *((section.title, _section(section)) for section in report.sections),
        ("Origin", _origin(report)),
    ]
    parts = [(title, markup) for title, markup in parts if markup]
    body = [
        _header(report),
        _navigation([title for title, _ in parts]),
        element("main", [_part(number, title, markup) for number, (title, markup) in enumerate(parts)]),
        element("noscript", element("p", "Sorting, charts and the picture slider need JavaScript.")),
        "".join(f"<script>{_asset(name)}</script>" for name in SCRIPTS),
    ]
    head = [
        '<meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f'<meta http-equiv="Content-Security-Policy" content="{text(POLICY)}">',
        '<meta name="color-scheme" content="light dark">',
        '<link rel="icon" href="data:,">',
        element("title", text(report.title)),
        element("style", _asset("page.css")),
    ]
    return f'<!doctype html>\n<html lang="en"><head>{"".join(head)}</head>\n<body>{"".join(body)}</body></html>\n'


def _asset(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")


def _header(report: Report) -> str:
    facts = [element("div", element("dt", text(k)) + element("dd", text(v))) for k, v in report.facts.items()]
    theme = element("button", "Theme", type="button", id="theme", class_="quiet")
    return element(
        "header",
        [
            element("div", element("h1", text(report.title)) + theme, class_="headline"),
            element("p", text(report.summary), class_="lead") if report.summary else "",
            element("dl", facts, class_="facts") if facts else "",
            *(element("p", text(warning), class_="warning", role="note") for warning in report.warnings),
        ],
    )


def _navigation(titles: list[str]) -> str:
    links = [element("a", text(title), href=f"#part-{number}") for number, title in enumerate(titles)]
    return element("nav", links, aria_label="Parts of this page")


def _part(number: int, title: str, markup: str) -> str:
    return element("section", element("h2", text(title)) + markup, id=f"part-{number}")


def _curves(report: Report) -> str:
    if not report.curves:
        return ""
    charts = []
    for number, panel in enumerate(report.curves):
        title = text(panel.title) + (element("span", f" {text(panel.unit)}", class_="unit") if panel.unit else "")
        note = element("p", text(panel.note), class_="note") if panel.note else ""
        plot = element("div", "", class_="plot", role="img", aria_label=f"{panel.title} over the {panel.x_label}s")
        charts.append(element("figure", [element("h3", title), note, plot], class_="chart", data_chart=number))
    hint = "Lines are means over neighbouring steps where there are many; the pale band reaches from least to greatest."
    data = data_script("curves", [chart_data(panel) for panel in report.curves])
    return element("p", hint, class_="note") + element("div", charts, class_="charts") + data


def _section(section: Section) -> str:
    paragraphs = [element("p", text(part)) for part in section.text.split("\n\n") if part.strip()]
    items = _values(section.items) if section.items else ""
    return "".join(paragraphs) + items + (element("pre", text(section.code)) if section.code else "")


def _origin(report: Report) -> str:
    parts = []
    if report.command:
        copy = element("button", "Copy", type="button", class_="quiet copy")
        parts.append(element("h3", "Command"))
        parts.append(element("div", element("pre", text(report.command)) + copy, class_="command"))
    if report.environment:
        parts += [element("h3", "Environment"), _values(report.environment)]
    if report.config:
        parts.append(element("details", element("summary", "Configuration") + _values(report.config)))
    return "".join(parts)


def _values(values: Mapping[str, object]) -> str:
    """The markup of named values; a nested one has its full name (`a.b`)."""
    rows = []
    for name, value in _flat(values):
        rows.append(element("div", element("dt", text(name)) + element("dd", text(value))))
    return element("dl", rows, class_="values")


def _flat(values: Mapping[str, object], prefix: str = "") -> list[tuple[str, object]]:
    flat: list[tuple[str, object]] = []
    for name, value in values.items():
        flat += _flat(value, f"{prefix}{name}.") if isinstance(value, Mapping) else [(f"{prefix}{name}", value)]
    return flat
