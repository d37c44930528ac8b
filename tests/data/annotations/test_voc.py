"""VOC annotations: the numbers, and the safety of the parser."""

import time

import pytest

from bilevel_jax.data.annotations.voc import parse_xml, read_voc
from bilevel_jax.errors import InputError


def annotation(path, box, size="<size><width>64</width><height>48</height></size>"):
    path.write_text(f"<annotation>{size}<object><name>car</name><bndbox>{box}</bndbox></object></annotation>")
    return path


def corners(x0, y0, x1, y1):
    return f"<xmin>{x0}</xmin><ymin>{y0}</ymin><xmax>{x1}</xmax><ymax>{y1}</ymax>"


def test_a_box_of_the_first_pixel_and_of_the_whole_image(tmp_path):
    assert read_voc(annotation(tmp_path / "a.xml", corners(1, 1, 1, 1)), 48, 64).boxes.tolist() == [[0, 0, 1, 1]]
    assert read_voc(annotation(tmp_path / "a.xml", corners(1, 1, 64, 48)), 48, 64).boxes.tolist() == [[0, 0, 48, 64]]
    zero = read_voc(annotation(tmp_path / "a.xml", corners(0, 0, 63, 47)), 48, 64, one_based=False)
    assert zero.boxes.tolist() == [[0, 0, 48, 64]]
    kaist = annotation(tmp_path / "a.xml", "<x>10</x><y>20</y><w>5</w><h>6</h>")
    assert read_voc(kaist, 48, 64).boxes.tolist() == [[20, 10, 26, 15]]


def test_boxes_over_the_border(tmp_path):
    assert read_voc(annotation(tmp_path / "a.xml", corners(-3, 5, 70, 20)), 48, 64).boxes.tolist() == [[4, 0, 20, 64]]
    gone = read_voc(annotation(tmp_path / "a.xml", corners(10, 10, 9, 20)), 48, 64)
    assert (
        gone.boxes.shape == (0, 4) and "a car of 0 x 11 pixels in the image, which was left out" in gone.notes[0].text
    )
    with pytest.raises(InputError, match=r"box from \(0, 0\) to \(640, 480\) pixels, expected it inside the image"):
        read_voc(annotation(tmp_path / "a.xml", corners(1, 1, 640, 480)), 48, 64)
    other = annotation(tmp_path / "a.xml", corners(1, 1, 9, 9), "<size><width>640</width><height>480</height></size>")
    with pytest.raises(InputError, match=r"is for 640 x 480 pixels, expected 64 x 48"):
        read_voc(other, 48, 64)
    assert len(read_voc(other, 48, 64, check_size=False).boxes) == 1


def test_entities_are_refused_before_they_grow():
    bomb = '<!DOCTYPE a [<!ENTITY a0 "ha">' + "".join(f'<!ENTITY a{i} "{f"&a{i - 1};" * 10}">' for i in range(1, 30))
    start = time.perf_counter()
    with pytest.raises(InputError, match="declares the entity 'a0'"):
        parse_xml((bomb + "]><a>&a29;</a>").encode(), "bomb.xml")
    assert time.perf_counter() - start < 1
    with pytest.raises(InputError, match="declares the entity 'e'"):
        parse_xml(b'<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/hostname">]><a>&e;</a>', "external.xml")
    with pytest.raises(InputError, match="declares the entity 'p'"):
        parse_xml(b'<!DOCTYPE a [<!ENTITY % p SYSTEM "file:///etc/hostname"> %p;]><a/>', "parameter.xml")
    assert parse_xml(b"<!DOCTYPE a><a>&lt;b&gt; &#65;</a>", "plain.xml").text == "<b> A"
