"""What bad usage gets: one sentence and exit code 2, before anything is made."""

import pytest
from absl import flags

from bilevel_jax.command_line import define_config_flag, parse_flags
from bilevel_jax.errors import (
    EXIT_DONE,
    EXIT_FAILED,
    EXIT_RESUME,
    EXIT_USAGE,
    HelpShown,
    InputError,
    RunError,
    StopSignal,
    run_command,
)

CONFIG = """
from ml_collections import ConfigDict
def get_config():
    return ConfigDict({"seed": 0, "data": {"crop": (96, 96), "root": ""}})
"""


@pytest.fixture
def parse(tmp_path):
    (tmp_path / "config.py").write_text(CONFIG)

    def run(*arguments):
        argv = ["train.py", *(a.replace("TMP", str(tmp_path)) for a in arguments)]

        def define(values):
            define_config_flag(values, argv)
            flags.DEFINE_string("workdir", None, "folder", flag_values=values)

        return parse_flags(define, argv, "train.py --config=FILE", required=["config"])

    return run


def test_overrides_reach_the_config(parse):
    values = parse("--config=TMP/config.py", "--config.data.crop=(64,32)", "--workdir=here")
    assert values.config.data.crop == (64, 32) and values.config.seed == 0 and values.workdir == "here"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            ["--config=TMP/config.py", "--config.data.rot=x"],
            r"config\.data\.rot does not exist; did you mean config\.data\.root\?",
        ),
        (["--config=TMP/config.py", "--config.sed=1"], r"config\.sed does not exist; did you mean config\.seed\?"),
        (["--config=TMP/config.py", "--config.zzzzz=1"], r"config\.zzzzz does not exist\."),
        (["--config=TMP/config.py", "--config.seed=many"], r"--config\.seed=many.*'many'"),
        (["--config=TMP/nowhere.py"], "there is no such file"),
        (["--config=TMP/config.py", "--workdri=x"], "Unknown command line flag 'workdri'. Did you mean: workdir"),
        (["--config=TMP/config.py", "extra"], "'extra' is no flag"),
        ([], "--config is missing"),
    ],
)
def test_mistakes_are_named(parse, arguments, sentence):
    with pytest.raises(InputError, match=sentence):
        parse(*arguments)


def test_a_config_that_does_not_run_is_named(parse, tmp_path):
    (tmp_path / "broken.py").write_text("def get_config():\n    return 1 / 0\n")
    with pytest.raises(InputError, match="broken.py cannot be read: ZeroDivisionError"):
        parse("--config=TMP/broken.py")


def test_help_is_no_mistake(parse, capsys):
    with pytest.raises(HelpShown):
        parse("--help")
    assert "--workdir" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (None, EXIT_DONE),
        (HelpShown(), 0),
        (RunError("nan"), EXIT_FAILED),
        (InputError("no"), EXIT_USAGE),
        (StopSignal("s"), EXIT_RESUME),
    ],
)
def test_exit_codes(error, code, capsys):
    def command(argv):
        if error:
            raise error

    assert run_command(command, ["x"]) == code
    assert len(capsys.readouterr().err.splitlines()) == (0 if code == EXIT_DONE else 1)
