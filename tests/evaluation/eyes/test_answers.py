"""Files of answers, and how far two people agree."""

import re

import pytest

from bilevel_jax.errors import InputError
from bilevel_jax.evaluation.eyes.answers import agreement, read_answers

SHEETS = ("001", "002", "003")


def test_answers_come_in_the_order_of_the_sheets(tmp_path):
    file = tmp_path / "answers.csv"
    file.write_text("sheet,answer\n003,=\n\n001, a \n002,B\n")
    assert list(read_answers(file, SHEETS).items()) == [("001", "A"), ("002", "B"), ("003", "=")]
    # As spreadsheet programs save it: a byte order mark, other line ends, no leading zeros.
    file.write_bytes("\ufeffsheet,answer\r\n1,A\r\n2,B\r\n3,=\r\n".encode())
    assert list(read_answers(file, SHEETS).values()) == ["A", "B", "="]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sheet,answer\n001,A\n\n002,C\n003,A\n", "answers.csv, line 4 has the answer 'C'; expected one of A, B, ="),
        ("sheet,answer\n001,A\n002,\n003,A\n", "answers.csv, line 3 has the answer ''"),
        ("sheet,answer\n001,A\n003,A\n", "answers.csv ends on line 3 without an answer to 1 of 3 sheets, .* 002"),
        ("sheet,answer\n", "answers.csv ends on line 1 without an answer to 3 of 3"),
        ("sheet,answer\n001,A\n1,B\n", "answers.csv, line 3 repeats sheet 001 of line 2"),
        ("sheet,answer\n004,A\n", "answers.csv, line 2 has the sheet '004'; expected each of the sheets 001 to 003"),
        ("sheet,answer\nx,A\n", "answers.csv, line 2 has the sheet 'x'"),
        ("sheet,answer\n001\n", "answers.csv, line 2 has 1 cells"),
        ("001,A\n002,B\n003,A\n", "answers.csv starts with 001,a; expected the columns sheet,answer"),
        ("", "answers.csv starts with nothing"),
        (None, "answers.csv cannot be read"),
    ],
)
def test_bad_answers(tmp_path, text, message):
    file = tmp_path / "answers.csv"
    if text is not None:
        file.write_text(text)
    with pytest.raises(InputError) as error:
        read_answers(file, SHEETS)
    assert re.search(message, str(error.value)), error.value


def test_kappa_of_a_textbook_table():
    # 20 x yes/yes, 5 x yes/no, 10 x no/yes, 15 x no/no: equal 0.7, chance 0.5, kappa 0.4 (Wikipedia, "Cohen's kappa").
    one, other = "A" * 25 + "B" * 25, "A" * 20 + "B" * 5 + "A" * 10 + "B" * 15
    assert agreement(one, other) == pytest.approx((0.7, 0.4))


def test_kappa_at_its_ends():
    assert agreement("AB==", "AB==") == pytest.approx((1.0, 1.0))
    assert agreement("AABB", "BBAA") == pytest.approx((0.0, -1.0))
    assert agreement("AABB", "ABAB") == pytest.approx((0.5, 0.0))
    assert agreement("AAA", "AAA") == pytest.approx((1.0, float("nan")), nan_ok=True)
