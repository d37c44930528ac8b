"""The table, and what counts as a failure."""

from bilevel_jax.benchmarks.accelerator.results_table import failed, summary, table_text

DONE = {
    "part": "b tf32",
    "status": "done",
    "rows": [{"what": "inner step", "ms": 12.34, "compile_s": 30.0, "peak_mib": 2048.4, "tflop": 0.5, "share": 8.19}],
}
WRONG = {"part": "a", "status": "done", "rows": [{"what": "core", "passed": False, "result": "FAIL: 2e-2"}]}
OUT_OF_MEMORY = {"part": "c", "status": "failed", "rows": [{"what": "inner step", "ms": 1.0}], "error": "no memory"}
LATE = {"part": "f", "status": "not reached", "rows": [], "error": "3 s were left"}


def test_rows_of_all_parts_and_what_became_of_the_others():
    lines = table_text([DONE, OUT_OF_MEMORY, LATE]).splitlines()
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines if line.startswith("|")]
    assert cells[0] == ["part", "what", "ms", "compile, s", "peak MiB", "TFLOP", "% of peak", "result"]
    assert cells[2] == ["b tf32", "inner step", "12.3", "30.0", "2048", "0.500", "8.2", ""]
    assert cells[3][:3] == ["c", "inner step", "1.0"]
    assert cells[4][0] == "c" and cells[4][-1] == "failed: no memory"
    assert cells[5][0] == "f" and cells[5][-1] == "not reached: 3 s were left"


def test_small_figures_do_not_become_nothing():
    text = table_text([{**DONE, "rows": [{"what": "x", "tflop": 0.00026, "ms": 0.0}]}])
    assert "2.6e-04" in text and "0.000" not in text


def test_what_is_a_failure():
    assert not failed([DONE, LATE])
    assert not failed([{**OUT_OF_MEMORY, "status": "stopped"}])
    assert failed([DONE, WRONG]) and failed([OUT_OF_MEMORY])
    assert summary([DONE, WRONG]) == "2 of 2 parts done; FAILED comparisons: core."
    assert summary([DONE, LATE]) == "1 of 2 parts done. Run the same command again for the rest."
