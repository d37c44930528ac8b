"""The help of the keys: every key, its value, its default, and what names mean."""

from bilevel_jax.commands.train import train_command
from bilevel_jax.errors import run_command
from bilevel_jax.training.config import KEYS, default_config
from bilevel_jax.training.config.help import config_help


def test_every_key_is_listed_with_its_value_and_its_default():
    config = default_config()
    config.data.batch_size = 5
    lines = config_help(config).splitlines()
    for name, key in KEYS.items():
        shown = f"  {name} = 5  (default 8)" if name == "data.batch_size" else f"  {name} = {key.default!r}"
        assert shown in lines, name
    text = "\n".join(lines)
    assert "Bilevel problem" in text and "one_step: The hypergradient g = F_w" in text
    assert "cagrad (default 0.5): distance from the mean gradient" in text
    assert max(map(len, lines)) <= 120 + 10  # wrapped, except a long value


def test_train_py_prints_it_and_ends_well(capsys, tmp_path):
    path = tmp_path / "config.py"
    path.write_text("from bilevel_jax.training.config import default_config as get_config\n")
    assert run_command(train_command, ["train.py", f"--config={path}", "--config.seed=7", "--help"]) == 0
    printed = capsys.readouterr().out
    assert "  seed = 7  (default 0)" in printed and "--workdir" in printed
    assert run_command(train_command, ["train.py", "--help"]) == 0
    assert "Add --config=FILE.py" in capsys.readouterr().out
