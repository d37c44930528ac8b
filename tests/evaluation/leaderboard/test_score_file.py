"""The CSV file of single images: what is refused. test_leaderboard.py writes one and reads it."""

import pytest

from bilevel_jax.errors import InputError
from bilevel_jax.evaluation.leaderboard.score_file import read_scores


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("image,SF\na,1\n", "starts with image,SF; expected the columns image,method"),
        ("image,method,SF\na,m,one\n", "line 2 has SF 'one'"),
        ("image,method,SF\na,m\n", "line 2 has 2 cells; expected 3"),
        ("image,method,SF\na,m,1\na,m,1\n", "line 3 repeats a of m, which is on line 2"),
        ("image,method,SF\na,m,1\n", r"no row of m for 1 image\(s\) \(b\)"),
        ("image,method,SF\n", "holds no row"),
        ("", "starts with nothing"),
    ],
)
def test_a_bad_csv(tmp_path, text, message):
    (tmp_path / "p.csv").write_text(text)
    with pytest.raises(InputError, match=message):
        read_scores(tmp_path / "p.csv", ["a", "b"])
