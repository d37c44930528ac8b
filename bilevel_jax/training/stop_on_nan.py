"""What happens at a NaN or an infinity: the run stops, or (`config.on_nan` = skip) the step changes nothing."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Concatenate, ParamSpec

import jax
import jax.numpy as jnp
import numpy as np
import optax

from bilevel_jax.errors import RunError
from bilevel_jax.report import metric_names
from bilevel_jax.training.state import TrainState

MOST_SKIPPED = 10  # steps in a row
P = ParamSpec("P")
Metrics = dict[str, jax.Array]  # scalars by name
Step = Callable[Concatenate[TrainState, P], tuple[TrainState, Metrics]]


def skipping(name: str, step: Step[P]) -> Step[P]:
    """Returns the same step, which leaves the state as it was where a loss or a parameter would not be finite.

    The new step adds the metric `skipped/NAME`, 0 or 1. The state's count of steps goes on in both cases.

    Args:
        name: of the step, such as "inner".
        step: (state, batches) -> (state, metrics).
    """

    def call(state: TrainState, *batches: P.args, **options: P.kwargs) -> tuple[TrainState, Metrics]:
        after, metrics = step(state, *batches, **options)
        watched = [value for metric, value in metrics.items() if metric_names.parse(metric).quantity == "loss"]
        watched.append(optax.global_norm(after.trained))
        fine = jnp.all(jnp.isfinite(jnp.stack(watched)))
        kept = jax.tree.map(lambda new, old: jnp.where(fine, new, old), after, state)
        skipped = 1.0 - fine.astype(jnp.float32)
        return kept.replace(step=after.step), metrics | {metric_names.skipped(name): skipped}

    return call


class StopOnNan:
    """Ends a run at the first loss that is not finite, or at the tenth skipped step in a row.

    Args:
        on_nan: `config.on_nan`: "stop", or "skip" where the steps are made by `skipping`.
        names: of the training files, by their index.
    """

    def __init__(self, on_nan: str, names: Sequence[str]):
        self._skips, self._names = on_nan == "skip", names
        self._skipped = 0  # steps in a row

    def check(self, step: int, values: Mapping[str, float], files: Mapping[str, np.ndarray]) -> None:
        """Looks at the metrics of one step.

        Args:
            step: the number of the step.
            values: the metrics by name.
            files: indices of the files that the step's batches held, by the name of the batch: "warm_start", "inner"
                or "outer".

        Raises:
            RunError: a loss is NaN or infinite; or, where such steps are skipped, this was the tenth in a row.
        """
        parsed = {name: metric_names.parse(name) for name in values}
        bad = [name for name, of in parsed.items() if of.quantity == "loss" and not math.isfinite(values[name])]
        if self._skips:
            skipped = any(of.quantity == "skipped" and values[name] > 0 for name, of in parsed.items())
            self._skipped = self._skipped + 1 if skipped else 0
            if self._skipped < MOST_SKIPPED:
                return
            bad = bad or ["the norm of the updated parameters"]
        elif not bad and math.isnan(values.get(metric_names.OUTER_UPDATE_NORM, 0.0)):
            bad = [metric_names.OUTER_UPDATE_NORM]  # a derivative can be NaN where all losses are finite
        for name in bad:
            level = metric_names.OUTER if name == metric_names.OUTER_UPDATE_NORM else metric_names.parse(name).part
            batch = level if level in files else next(iter(files))
            raise RunError(
                f"{name} is {values.get(name, math.inf)} at step {step}, on the batch "
                f"{_listed(self._names, files[batch])}; the last checkpoint is from before. Lower the learning rate, "
                "or look at these files."
            )


def check_semantic_loss(title: str, step: int, value: float, names: Sequence[str], indices: Iterable[int]) -> None:
    """Raises RunError where the loss of a semantic network that is trained alone is NaN or infinite.

    Args:
        title: what is trained, for the message.
        step: the number of the step.
        value: the loss.
        names: of the training files, by their index.
        indices: of the files in the batch.
    """
    if not math.isfinite(value):
        raise RunError(f"{title}: the loss is {value} at step {step}, on the batch {_listed(names, indices)}.")


def _listed(names: Sequence[str], indices: Iterable[int]) -> str:
    return ", ".join(names[int(index)] for index in indices)
