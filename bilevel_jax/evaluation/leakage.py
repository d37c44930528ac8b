"""Refuses to evaluate a network on pairs that it was trained on (data leakage)."""

from pathlib import Path

from ml_collections import ConfigDict

from bilevel_jax.data.mixed_sets import open_mixed_set
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
    """Checks that a network was not trained on the held-out pairs.

    The check needs the place of the training data. A weight file does not hold it, except for the built-in scenes.

    Args:
        trained: the configuration that the network was trained with.
        held_out: the pairs that it is evaluated on.
        config: the configuration that `held_out` was opened with.
        who: the network, for the message.
        run: the folder of the run that trained the network. Its lists say which pairs were trained on. None = no run.

    Raises:
        InputError: the network was trained on some of the pairs.
    """
    if "data" not in trained or trained.data.name != config.data.name:
        return
    if trained.data.name == "scenes":
        same = trained.seed == config.seed
    else:
        same = "root" in trained.data and Path(trained.data.root).resolve() == Path(config.data.root).resolve()
    if not same:
        return
    seen = sorted(set(open_sets(completed(trained).data, trained.seed, run=run).train.names) & set(held_out.names))
    if seen:
        raise InputError(
            f"{who} was trained on {len(seen)} of the held-out pairs ({first_few(seen)}); expected pairs that it has "
            "not seen."
        )


def seen_in_mixture(trained: ConfigDict, held_out: Source, config: ConfigDict) -> list[str]:
    """Returns the names of the held-out pairs on which a network was trained as part of a mixture (`data.mix`).

    A set that is mixed in without lists has no val, and its test is cut out of all its pairs. By itself it has a val,
    and its test is cut out of the rest, so it is another test.

    Args:
        trained: the configuration that the network was trained with.
        held_out: the pairs that it is evaluated on.
        config: the configuration that `held_out` was opened with.

    Raises:
        InputError: a set of the mixture cannot be read.
    """
    seen: set[str] = set()
    for name, root, *_ in trained.data.mix:
        if name == config.data.name and root and Path(root).resolve() == Path(config.data.root).resolve():
            seen |= set(open_mixed_set(trained.data, name, root, trained.seed).train.names) & set(held_out.names)
    return sorted(seen)


def trained_without_test(trained: ConfigDict) -> bool:
    """Whether a network was trained on a real data set from which no test split was held out."""
    return "data" in trained and trained.data.name != "scenes" and not completed(trained).data.test_share
