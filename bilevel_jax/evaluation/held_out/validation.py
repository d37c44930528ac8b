"""What a run's networks are worth on val while it trains."""

from typing import Any

import jax
import numpy as np
from ml_collections import ConfigDict

from bilevel_jax.errors import InputError
from bilevel_jax.evaluation.inputs import InputSource
from bilevel_jax.evaluation.semantic_trainer import SemanticTrainer, semantic_scores
from bilevel_jax.inference import Fuser
from bilevel_jax.metrics import detection, fusion, segmentation
from bilevel_jax.training.problem import Networks

MEASURES = ("VIF", "Qabf", "SSIM")
SEMANTIC = {"detection": detection.MAIN_FIGURE, "segmentation": segmentation.MAIN_FIGURE}


class Validation:
    """Fuses pairs of val and measures them, as the table's row `fused` does; compiled once for all calls.

    Args:
        config: the run's; `validate_pairs` are taken, spread evenly over the set.
        source: val.
        networks: the run's.
    """

    def __init__(self, config: ConfigDict, source: Any, networks: Networks):
        self._config, self._networks, self._fuser = config, networks, None
        count = min(config.validate_pairs or len(source), len(source))
        self._pairs = _Some(source, np.linspace(0, len(source) - 1, count).astype(int))
        self._names = tuple(name for name in fusion.CHOOSABLE if name in (*MEASURES, config.keep_best))
        self._predictor = SemanticTrainer(config, networks) if networks.semantic is not None else None

    def __call__(self, outer_params: Any, semantic_params: Any) -> dict[str, float]:
        """Higher is better in all of them; what is defined for no pair is left out.

        Args:
            outer_params: of the fusion network, as numpy arrays.
            semantic_params: of the run's own semantic network; None where it has none.

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
            fusion.evaluate(record["ir"], record["vis"], image, names=self._names)
            for record, image in ((self._pairs[i], image) for i, image in enumerate(inputs.images))
        ]
        columns = {name: [row[name] for row in rows if np.isfinite(row[name])] for name in self._names}
        figures = {name: float(np.mean(column)) for name, column in columns.items() if column}
        if self._predictor is not None and semantic_params is not None:
            seen = self._predictor.predict(semantic_params, inputs)
            value = semantic_scores(self._config, inputs, seen).get(SEMANTIC[self._config.semantic.task], np.nan)
            figures |= {"semantic": float(value)} if np.isfinite(value) else {}
        if self._config.keep_best == "semantic" and "semantic" not in figures:
            raise InputError(
                f"config.keep_best is 'semantic', and the {len(self._pairs)} pairs of val (config.validate_pairs) "
                "have no labels; expected a fusion measure, or a val with labels."
            )
        return figures


class _Some:
    """Some records of a source, as a source."""

    def __init__(self, source: Any, indices: np.ndarray):
        self._source, self._indices = source, indices
        self.names = [source.names[i] for i in indices]
        self.groups = None if source.groups is None else [source.groups[i] for i in indices]
        self.class_names, self.label_names = source.class_names, source.label_names

    def __len__(self) -> int:
        return len(self._indices)

    def __getitem__(self, index: int) -> dict[str, np.ndarray]:
        return self._source[self._indices[index]]
