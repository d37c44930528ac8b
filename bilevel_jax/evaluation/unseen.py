"""Whether a network was trained on the pairs that it is measured on."""

from pathlib import Path

from ml_collections import ConfigDict

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
    """Raises InputError where a network, trained as its configuration says, has seen pairs that are held out here.

    Weights in a file do not say where their data was; of them only the built-in scenes are checked.

    Args:
        trained: the network's configuration.
        held_out: the pairs.
        config: the configuration that `held_out` was opened with.
        who: the network, for the message.
        run: the folder of the run that trained it, whose lists say which pairs it has seen; None where there is none.
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


def knew_no_test(trained: ConfigDict) -> bool:
    """Whether a network was trained on real pairs of which no test was cut out."""
    return "data" in trained and trained.data.name != "scenes" and not completed(trained).data.test_share
