"""300 downloads with one thing wrong: each ends in a named rejection or a good sample, none in a crash or a silence."""

import json
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest


def outcomes(first, last, step):
    """What mutations.py prints; it runs apart, since a process that has read array_record must not be forked."""
    line = [sys.executable, str(Path(__file__).with_name("mutations.py")), *map(str, (first, last, step))]
    done = subprocess.run(line, capture_output=True, text=True, timeout=1200, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return [json.loads(entry) for entry in done.stdout.splitlines()]


def check(what, kind, found):
    assert kind in ("refused", "made"), f"{what}: {kind}: {found}"
    if kind == "refused":
        assert is_sentence(found), f"{what}: {found}"
        return "refused"
    for entry in found["rejected"]:
        assert is_sentence(entry["reason"]) and entry["name"], f"{what}: {entry}"
    # Ten pairs went in; each came out good, or was rejected by its name, or counted as being in no list.
    unlisted = sum(int(count) for count in re.findall(r"(\d+) pair\(s\) are in no list", "\n".join(found["notes"])))
    gone = 10 - len(found["good"])
    named = {entry["name"] for entry in found["rejected"]}
    assert -1 <= gone <= len(named) + unlisted, f"{what}: {gone} gone in silence: {found}"
    return "rejected" if named else "good"


def is_sentence(text):
    return text.endswith((".", ").")) and "\n" not in text and len(text) < 2000


def test_every_29th_mutation():
    kinds = Counter(check(entry["what"], entry["kind"], entry["found"]) for entry in outcomes(1, 300, 29))
    assert sum(kinds.values()) == 11 and kinds["rejected"]


@pytest.mark.slow
def test_all_300_mutations():
    kinds = Counter(check(entry["what"], entry["kind"], entry["found"]) for entry in outcomes(0, 300, 1))
    print(dict(kinds))
    assert sum(kinds.values()) == 300
    assert kinds["rejected"] > 100 and kinds["good"] > 50 and kinds["refused"] > 5
