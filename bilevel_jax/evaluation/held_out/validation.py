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
from bilevel_jax.training.config import semantic_tasks
from bilevel_jax.training.networks import Networks

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
        predictors = {name: SemanticTrainer(config, networks, name) for name in networks.semantic}
        blocks = semantic_tasks(config)
        self._predictors = {name: p for name, p in predictors.items() if p.kind.is_measurable(blocks[name], source)}

    def __call__(self, outer_params: PyTree, semantic_params: Mapping[str, PyTree]) -> dict[str, float]:
        """Measures parameters. Higher is better in all figures; a figure that is defined for no pair is left out.

        Args:
            outer_params: of the fusion network, as numpy arrays.
            semantic_params: task -> parameters of the run's own network for it; a task that is missing, or for which
                val has no labels, is not measured.

        Returns:
            VIF, Qabf, SSIM and the measure `config.keep_best`, means over the pairs where they are defined; and by the
            name of each semantic task the AP50 or mIoU of its network on the fused images.

        Raises:
            InputError: the best is to be chosen by a semantic task, and the pairs have no labels for it.
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
        for task, predictor in self._predictors.items():
            if task in semantic_params:
                seen = predictor.predict(semantic_params[task], inputs)
                value = predictor.kind.scores(inputs, seen).get(predictor.kind.figure, np.nan)
                figures |= {task: float(value)} if np.isfinite(value) else {}
        chosen = self._config.keep_best
        if chosen in semantic_tasks(self._config) and chosen not in figures:
            raise InputError(
                f"config.keep_best is {chosen!r}, and the {len(self._pairs)} pairs of val (config.validate_pairs) "
                "have no labels; expected a fusion measure, or a val with labels."
            )
        return figures
