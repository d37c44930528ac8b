"""How good a run's networks are on val while it trains."""

from collections.abc import Mapping

import jax
import numpy as np
from ml_collections import ConfigDict

from bilevel_jax.bilevel.trees import PyTree
from bilevel_jax.data.sources.source import Source
from bilevel_jax.data.sources.subset import Subset
from bilevel_jax.errors import InputError
from bilevel_jax.evaluation.inputs import InputSource
from bilevel_jax.evaluation.semantic_trainer import SemanticTrainer
from bilevel_jax.inference import Fuser
from bilevel_jax.metrics import fusion
from bilevel_jax.training.networks import Networks
from bilevel_jax.training.tasks import semantic_task

MEASURES = ("VIF", "Qabf", "SSIM")


class Validation:
    """Fuses pairs of val and measures them, as the table's row `fused` does; compiled once for all calls.

    Args:
        config: the run's; `validate_pairs` pairs are taken, spread evenly over the set.
        source: val.
        networks: the run's.
    """

    def __init__(self, config: ConfigDict, source: Source, networks: Networks):
        self._config, self._networks = config, networks
        self._fuser: Fuser | None = None
        count = min(config.validate_pairs or len(source), len(source))
        self._pairs = Subset(source, np.linspace(0, len(source) - 1, count).astype(int))
        self._names = tuple(name for name in fusion.CHOOSABLE if name in (*MEASURES, config.keep_best))
        self._predictor = SemanticTrainer(config, networks) if "semantic" in networks.semantic else None

    def __call__(self, outer_params: PyTree, inner_params: Mapping[str, PyTree]) -> dict[str, float]:
        """Measures parameters. Higher is better in all figures; a figure that is defined for no pair is left out.

        Args:
            outer_params: of the fusion network, as numpy arrays.
            inner_params: semantic task -> parameters of the run's own network.

        Returns:
            VIF, Qabf, SSIM and the measure `config.keep_best`, means over the pairs where they are defined; and
            `semantic`, the AP50 or mIoU of the semantic network on the fused images.

        Raises:
            InputError: the best is to be chosen by `semantic`, and the pairs have no labels.
        """
        if not all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(outer_params)):
            return {}  # the run is about to say so
        if self._fuser is None:
            self._fuser = Fuser.from_run(self._config, {"outer_params": outer_params})
        inputs = InputSource(self._pairs, "fused", self._fuser.with_params(outer_params))
        rows = [
            fusion.evaluate(sample["ir"], sample["vis"], image, names=self._names)
            for sample, image in ((self._pairs[i], image) for i, image in enumerate(inputs.images))
        ]
        columns = {name: [row[name] for row in rows if np.isfinite(row[name])] for name in self._names}
        figures = {name: float(np.mean(column)) for name, column in columns.items() if column}
        kind = semantic_task(self._config)
        if kind is not None and self._predictor is not None and "semantic" in inner_params:
            seen = self._predictor.predict(inner_params["semantic"], inputs)
            value = kind.scores(inputs, seen).get(kind.figure, np.nan)
            figures |= {"semantic": float(value)} if np.isfinite(value) else {}
        if self._config.keep_best == "semantic" and "semantic" not in figures:
            raise InputError(
                f"config.keep_best is 'semantic', and the {len(self._pairs)} pairs of val (config.validate_pairs) "
                "have no labels; expected a fusion measure, or a val with labels."
            )
        return figures
