"""Which task of a configuration a comparison is about, where the configuration has several."""

from collections.abc import Sequence

from ml_collections import ConfigDict

from bilevel_jax.errors import InputError
from bilevel_jax.metrics.figure import MAIN_TASK
from bilevel_jax.training.config import semantic_tasks
from bilevel_jax.training.tasks import SEMANTIC_TASKS


def with_one_task(config: ConfigDict, wanted: str = "") -> ConfigDict:
    """Returns a configuration with one semantic task, and nothing that names the other ones.

    Args:
        config: a configuration with any number of tasks.
        wanted: name of one of its semantic tasks, or a kind of task that `config.semantic` then has. "" takes the only
            task whose network is trained.

    Raises:
        InputError: there is no such task, its network is not trained, or several could be meant.
    """
    config = ConfigDict(config.to_dict())
    blocks = semantic_tasks(config)
    trained = [name for name, block in blocks.items() if block.trainable]
    if wanted and wanted not in blocks:
        if wanted not in SEMANTIC_TASKS:
            known = ", ".join(dict.fromkeys((*SEMANTIC_TASKS, *blocks)))
            raise InputError(
                f"--task={wanted} is neither a kind of task nor one of config.tasks; expected one of {known}."
            )
        config.semantic.task = wanted
        _check_trained(config, wanted, MAIN_TASK, trained)
        return _without(config, [name for name in blocks if name != MAIN_TASK])
    if not wanted and len(trained) > 1:
        raise InputError(f"--task is missing, and config.tasks has several; expected one of {', '.join(trained)}.")
    if wanted:
        _check_trained(config, wanted, wanted, trained)
    if not trained:
        raise InputError(f"--task is missing; expected one of {', '.join(SEMANTIC_TASKS)}.")
    return _without(config, [name for name in blocks if name != (wanted or trained[0])])


def only_task(config: ConfigDict) -> str:
    """Returns the name of the semantic task of a configuration that has one, as `with_one_task` makes it."""
    (name,) = semantic_tasks(config)
    return name


def task_title(config: ConfigDict) -> str:
    """Returns the only semantic task in words: its kind, and its name where that is another one than `semantic`."""
    name = only_task(config)
    kind = semantic_tasks(config)[name].task
    return kind if name in (MAIN_TASK, kind) else f"{kind} ({name})"


def _check_trained(config: ConfigDict, wanted: str, name: str, trained: Sequence[str]) -> None:
    """Refuses --task=`wanted`, which means the network `name`, if this network is frozen."""
    if config[name].trainable:
        return
    kinds = SEMANTIC_TASKS if config[MAIN_TASK].trainable else ()  # a kind is a task of config.semantic
    expected = f"one of {', '.join(dict.fromkeys((*trained, *kinds)))}" if trained or kinds else "True"
    raise InputError(
        f"--task={wanted} is a network that is not trained (config.{name}.trainable is False); expected {expected}."
    )


def _without(config: ConfigDict, names: list[str]) -> ConfigDict:
    if not names:
        return config
    config.tasks = tuple(name for name in config.tasks if name == MAIN_TASK or name not in names)
    for name in names:
        if name == MAIN_TASK:
            config.semantic.task = "none"
        else:
            del config[name]
    config.initial.parts = tuple(part for part in config.initial.parts if part not in names) or ("fusion",)
    if config.keep_best in names:
        config.keep_best = ""
    return config
