"""convert.py chooses the conversion by its first argument."""

import pytest

from bilevel_jax.commands.convert import SUBCOMMANDS, convert_command
from bilevel_jax.errors import run_command


@pytest.mark.parametrize("name", SUBCOMMANDS)
def test_each_conversion_has_a_help_of_its_own(name, capsys):
    assert run_command(convert_command, ["convert.py", "--help"]) == 0
    assert f"python experiments/convert.py {name} " in capsys.readouterr().out
    assert run_command(convert_command, ["convert.py", name, "--help"]) == 0
    assert capsys.readouterr().out.startswith(f"python experiments/convert.py {name} ")


@pytest.mark.parametrize(("arguments", "given"), [([], "nothing"), (["exprt"], "'exprt'")])
def test_a_missing_or_unknown_name_is_refused(arguments, given, capsys):
    assert run_command(convert_command, ["convert.py", *arguments]) == 2
    assert f"The command is {given}; expected one of export, import, backbone, onnx" in capsys.readouterr().err
