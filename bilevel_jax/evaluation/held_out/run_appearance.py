"""The appearance of a run's fused images beside that of its sources and of their average."""

from collections.abc import Callable

from bilevel_jax.data.sources.source import Source
from bilevel_jax.evaluation.appearance.appearance_table import AppearanceTable, make_table
from bilevel_jax.evaluation.appearance.measure_set import measure_set
from bilevel_jax.evaluation.appearance.methods import fuser_method, named_method
from bilevel_jax.evaluation.appearance.pair_set import set_of_source
from bilevel_jax.evaluation.inputs import KINDS
from bilevel_jax.inference import Fuser


def run_appearance(
    source: Source, set_name: str, fuser: Fuser, check_stop: Callable[[], None] = lambda: None
) -> AppearanceTable:
    """Measures the rows of a run's table: infrared, visible, their average, and the fused image.

    Args:
        source: the pairs.
        set_name: of the pairs, for the table.
        fuser: makes `fused`.
        check_stop: called after every pair; may raise.
    """
    methods = [fuser_method(kind, fuser) if kind == "fused" else named_method(kind) for kind in KINDS]
    return make_table(measure_set(set_of_source(source, set_name), methods, check_stop))
