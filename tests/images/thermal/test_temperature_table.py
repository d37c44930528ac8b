"""Tables of temperatures, as the programs of several cameras export them."""

import numpy as np
import pytest

from bilevel_jax.errors import InputError
from bilevel_jax.images.thermal import read_infrared

VALUES = np.round(20 + 5 * np.sin(np.arange(48).reshape(6, 8) * 0.7), 2)


def _lines(separator=",", mark=".", end=""):
    return [separator.join(f"{value:.2f}".replace(".", mark) for value in row) + end for row in VALUES]


def _read(tmp_path, text, encoding="utf-8"):
    (tmp_path / "a.csv").write_bytes(text.encode(encoding))
    samples, notes = read_infrared(tmp_path / "a.csv")
    assert samples.dtype == np.float32 and samples.shape[-1] == 1
    return samples[..., 0]


NUMBERED = ["," + ",".join(map(str, range(8)))] + [f"{i},{line}" for i, line in enumerate(_lines())]
FORMS = {
    "plain": _lines(),
    "spaces": _lines(" "),
    "tabs": _lines("\t"),
    "semicolons and decimal commas": _lines(";", ","),
    "tabs and decimal commas": _lines("\t", ","),
    "quoted decimal commas": ['"' + line.replace(";", '","') + '"' for line in _lines(";", ",")],
    "a separator at the end": _lines(";", ",", ";"),
    "text before it": ["File:;FLIR0042.jpg", "Emissivity:;0,95", "", *_lines(";", ",")],
    "row and column numbers": NUMBERED,
    "column numbers": NUMBERED[0][1:].splitlines() + _lines(),
    "names of rows": [f"Frame 1,{line}" for line in _lines()],
    "an empty first column": [f";{line}" for line in _lines(";", ",")],
    "units": [line.replace(",", " °C,") + " °C" for line in _lines()],
    "coordinates": ["x,y,temperature"] + [f"{x},{y},{VALUES[y, x]}" for y in range(6) for x in range(8)],
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "latin-1"])
def test_a_table_is_the_image(tmp_path, form, encoding):
    np.testing.assert_allclose(_read(tmp_path, "\r\n".join(FORMS[form]) + "\r\n", encoding), VALUES, atol=1e-5)


def test_numbers_that_rise_evenly_are_data(tmp_path):
    ramp = np.tile(np.arange(8.0), (6, 1))
    for values in (ramp, ramp + np.arange(6)[:, None], np.arange(48.0).reshape(6, 8)):
        np.savetxt(tmp_path / "b.csv", values, delimiter=",")
        np.testing.assert_array_equal(read_infrared(tmp_path / "b.csv").samples[..., 0], values)


def test_an_empty_cell_has_no_value(tmp_path):
    lines = _lines()
    lines[2] = lines[2].replace(lines[2].split(",")[3], "", 1)
    assert np.isnan(_read(tmp_path, "\n".join(lines))[2, 3])


@pytest.mark.parametrize("cell", ["N/A", "nan", "NaN", "inf", "--", "null", "None"])
def test_words_for_no_number_have_no_value(tmp_path, cell):
    lines = [line.split(",") for line in _lines()]
    lines[2][3] = cell
    assert np.isnan(_read(tmp_path, "\n".join(map(",".join, lines)))[2, 3])


@pytest.mark.parametrize(
    "lines, message",
    [
        ([], "a.csv holds no table of numbers"),
        (["name,weather", "0001,sunny"], "a.csv holds no table of numbers"),
        (["1", "2", "3"], "a.csv holds no table of numbers"),
        (
            ["File,a", "", *_lines()[:3], "1,2,3", *_lines()[3:]],
            r"a.csv, line 6 \('1,2,3'\) holds 3 numbers; expected 8 numbers",
        ),
        ([*_lines()[:3], '"1,2', *_lines()[3:]], "a.csv, line 4 .* holds a cell that is no number"),
        ([*_lines()[:3], "1,2,3,4,oops,6,7,8", *_lines()[3:]], "a.csv, line 4 .* holds a cell that is no number"),
    ],
)
def test_what_is_no_table_is_refused(tmp_path, lines, message):
    with pytest.raises(InputError, match=message):
        _read(tmp_path, "\n".join(lines))
