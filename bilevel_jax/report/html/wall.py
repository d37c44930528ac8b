"""The picture wall: every scene in all its views, with a slider between two of them and its boxes enlarged."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from bilevel_jax.report.html.content import Box, Picture
from bilevel_jax.report.html.crops import chosen_boxes, crop_views
from bilevel_jax.report.html.encode import bounded, data_uri, fitting
from bilevel_jax.report.html.markup import element, text, void


class Wall(NamedTuple):
    """The markup of the wall and the places of its scenes.

    Attributes:
        markup: "" without pictures.
        anchors: scene name -> id of its element.
    """

    markup: str
    anchors: dict[str, str]


def picture_wall(
    pictures: Sequence[Picture],
    shown_views: tuple[str, str] | None,
    colors: Mapping[str, str],
    *,
    max_pictures: int,
    max_side: int,
    max_bytes: int,
) -> Wall:
    """Adds scenes until one of the limits is reached; the arguments are those of `Report` and `write_report`."""
    names = list(dict.fromkeys(view for picture in pictures for view in picture.views))
    scenes: list[str] = []
    anchors: dict[str, str] = {}
    used, shrunk = 0, False
    for number, picture in enumerate(pictures[:max_pictures]):
        if not picture.views:
            continue
        scene = _scene(picture, f"picture-{number}", max_side)
        if scenes and used + len(scene) > max_bytes:
            break
        used += len(scene)
        shrunk |= max(np.shape(next(iter(picture.views.values())))[:2]) > max_side
        scenes.append(scene)
        anchors[picture.name] = f"picture-{number}"
    if not scenes:
        return Wall("", {})
    notes = [f"{len(scenes)} of {len(pictures)} scenes" if len(scenes) < len(pictures) else f"{len(scenes)} scenes"]
    notes += [f"scaled to at most {max_side} pixels a side"] if shrunk else []
    notes += [f"{used / 1e6:.1f} MB of WebP"]
    note = element("p", text("; ".join(notes) + "."), class_="note")
    left, right = shown_views or (names[0], names[-1])
    legend = [element("li", element("span", text(name)), style=f"color:{color}") for name, color in colors.items()]
    markup = note + _controls(names, left, right)
    markup += element("ul", legend, class_="legend squares") if legend else ""
    return Wall(markup + element("div", scenes, class_="wall"), anchors)


def _controls(names: list[str], left: str, right: str) -> str:
    def choice(label: str, selected: str, which: str) -> str:
        options = [element("option", text(name), value=name, selected=name == selected) for name in names]
        return element("label", label + element("select", options, id=which))

    def switch(label: str, which: str, checked: bool = False) -> str:
        return element("label", void("input", type="checkbox", id=which, checked=checked) + label, class_="switch")

    gains = [element("option", f"× {gain}", value=gain, selected=gain == 2) for gain in (1, 2, 4, 8, 16)]
    return element(
        "div",
        [
            choice("Left ", left, "left-view"),
            element("button", "⇄", type="button", class_="quiet", id="swap", title="Swap left and right"),
            choice("Right ", right, "right-view"),
            switch("Difference", "difference"),
            element("select", gains, id="gain", aria_label="Gain of the difference"),
            switch("Boxes", "show-true"),
            switch("Detections", "show-found"),
            switch("Move all", "together", checked=True),
        ],
        class_="controls",
        id="controls",
    )


def _scene(picture: Picture, anchor: str, max_side: int) -> str:
    height, width = np.shape(next(iter(picture.views.values())))[:2]
    size = fitting(height, width, max_side)
    images = [
        void(
            "img",
            src=data_uri(bounded(image, size)),
            alt=f"{picture.name}: {view}",
            data_view=view,
            width=size[0],
            height=size[1],
            loading="lazy",
            decoding="async",
        )
        for view, image in picture.views.items()
    ]
    drawn = [
        _overlay(boxes, height, width, kind) for kind, boxes in (("true", picture.boxes), ("found", picture.detections))
    ]
    slider = void(
        "input",
        type="range",
        min=0,
        max=100,
        value=50,
        step="0.5",
        aria_label=f"{picture.name}: left against right view",
    )
    frame = element(
        "div",
        [
            *images,
            element("canvas", "", aria_hidden="true"),
            *drawn,
            element("span", "", class_="line"),
            element("span", "", class_="tag left"),
            element("span", "", class_="tag right"),
            slider,
        ],
        class_="compare",
        style=f"aspect-ratio:{size[0]}/{size[1]}",
    )
    caption = element("p", text(picture.caption), class_="caption") if picture.caption else ""
    heading = element("h3", text(picture.name)) + element(
        "button", "Enlarge", type="button", class_="quiet enlarge", aria_pressed="false"
    )
    crops = [crop_views(picture, box) for box in chosen_boxes(picture)]
    return element(
        "article",
        [
            frame,
            element("div", heading, class_="title"),
            caption,
            element("details", [element("summary", f"Enlarged boxes ({len(crops)})"), *crops]) if crops else "",
        ],
        class_="scene",
        id=anchor,
    )


def _overlay(boxes: Sequence[Box], height: int, width: int, kind: str) -> str:
    letter = 0.036 * width
    shapes = []
    for box in boxes:
        if not (box.x1 > box.x0 and box.y1 > box.y0):
            continue
        shapes.append(element("rect", x=box.x0, y=box.y0, width=box.x1 - box.x0, height=box.y1 - box.y0))
        # The label stands above the box, or inside it at the upper edge of the picture.
        y = box.y0 - 0.3 * letter if box.y0 > 1.3 * letter else box.y0 + letter
        shapes.append(element("text", text(box.label), x=box.x0, y=y) if box.label else "")
    if not shapes:
        return ""
    return element(
        "svg",
        shapes,
        viewBox=f"0 0 {width} {height}",
        class_=f"boxes {kind}",
        style=f"--letter:{letter:.2f}px",
        aria_hidden="true",
    )
