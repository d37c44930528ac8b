"""Refuses to evaluate a network on pairs that it was trained on (data leakage)."""

from pathlib import Path

from ml_collections import ConfigDict

from bilevel_jax.data.mixed_sets import kept_places, open_mixed_set
from bilevel_jax.data.sets import open_sets
from bilevel_jax.data.sources.source import Source
from bilevel_jax.errors import InputError, first_few
from bilevel_jax.training.config import completed


def check_unseen(
    trained: ConfigDict,
    held_out: Source,
    config: ConfigDict,
    who: str = "The run of --workdir",
    run: Path | None = None,
) -> None:
    """Checks that a network was not trained on the held-out pairs, neither as its own data nor in a mixture.

    The check needs the places of the training data. A weight file does not hold them, except for the built-in scenes.

    Args:
        trained: the configuration that the network was trained with.
        held_out: the pairs that it is evaluated on.
        config: the configuration that `held_out` was opened with.
        who: the network, for the message.
        run: the folder of the run that trained the network. Its lists say which pairs were trained on. None = no run.

    Raises:
        InputError: the network was trained on some of the pairs, or its training data cannot be read.
    """
    if "data" not in trained:
        return
    seen = sorted(_trained_on(completed(trained), config, run) & set(held_out.names))
    if seen:
        raise InputError(
            f"{who} was trained on {len(seen)} of the held-out pairs ({first_few(seen)}); expected pairs that it has "
            "not seen."
        )


def _trained_on(trained: ConfigDict, config: ConfigDict, run: Path | None) -> set[str]:
    """Returns the names of all pairs of the data set of `config` that a network was trained on."""

    def is_same(name: str, root: str) -> bool:
        # A prepared set is opened by its own name in training and as a folder in a comparison.
        if "scenes" in (name, config.data.name):
            return name == config.data.name and trained.seed == config.seed
        return bool(root) and Path(root).resolve() == Path(config.data.root).resolve()

    names: set[str] = set()
    if is_same(trained.data.name, trained.data.root):
        names.update(open_sets(trained.data, trained.seed, run=run).train.names)
    for (name, root, *_), place in zip(trained.data.mix, kept_places(trained.data), strict=True):
        if is_same(name, root):
            kept = None if run is None else run / place
            names.update(open_mixed_set(trained.data, name, root, trained.seed, kept).train.names)
    return names


def trained_without_test(trained: ConfigDict) -> bool:
    """Whether a network was trained on a real data set from which no test split was held out."""
    return "data" in trained and trained.data.name != "scenes" and not completed(trained).data.test_share
