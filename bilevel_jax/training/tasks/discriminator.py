"""The discriminator's part in the bilevel problem: its own loss, and the loss G that the tasks add to theirs."""

from collections.abc import Mapping, Sequence

import jax.numpy as jnp
from jax import Array
from jaxtyping import Float
from ml_collections import ConfigDict

from bilevel_jax.bilevel.trees import PyTree
from bilevel_jax.losses.adversarial import FAMILIES, mean_cost, patch_gradient_penalty, pixel_gradient_penalty
from bilevel_jax.models.discriminators import DISCRIMINATORS, View, discriminator_network
from bilevel_jax.models.network import Network
from bilevel_jax.training.prepared_batch import PreparedBatch
from bilevel_jax.training.tasks.real_images import pictures
from bilevel_jax.training.tasks.terms import Terms, weighted

Fused = Float[Array, "b h w 1"]  # the fused luminance, not clipped


class Discriminator:
    """The discriminator's own loss, and the generator's loss G for the fusion network.

    Args:
        config: the run's configuration.
        network: the discriminator's; None where `config.visual.loss` is none.
    """

    def __init__(self, config: ConfigDict, network: Network | None):
        self._config, self._network = config, network
        self._family = FAMILIES.get(config.visual.loss)
        self._kind = DISCRIMINATORS[config.visual.discriminator]

    def own_loss(self, fused: Fused, params: PyTree, batch: PreparedBatch) -> Terms:
        """Returns the loss of telling the real images from the fused image (fake).

        Terms: `discriminator` where all scores count alike, else `real` and `fake`, which have normalisers of their
        own; with the critic's name where there are several; `gradient_penalty` where the family has one.
        """
        family, network = self._family, self._network
        assert family is not None and network is not None
        shown = pictures(self._config, batch)
        real = [self._on_grid(critic.real(shown)) for critic in self._kind.critics]
        fake = [self._on_grid(critic.fake(fused, shown)) for critic in self._kind.critics]
        terms: Terms = {}
        scores = zip(self._kind.critics, self._scores(params, real), self._scores(params, fake), strict=True)
        for critic, (real_score, real_weight), (fake_score, fake_weight) in scores:
            if real_weight is None and fake_weight is None:
                terms[_named("discriminator", critic.name)] = family.discriminator(real_score, fake_score)
            else:
                terms[_named("real", critic.name)] = mean_cost(family.real(real_score), real_weight)
                terms[_named("fake", critic.name)] = mean_cost(family.fake(fake_score), fake_weight)
        if family.gradient_penalty:
            sees_one_pixel = discriminator_network(self._kind.name).receptive_field == 1
            penalty = pixel_gradient_penalty if sees_one_pixel else patch_gradient_penalty
            value = penalty(lambda images: network.apply(params, images), _input(real), _input(fake), batch["mix"])
            terms["gradient_penalty"] = weighted(family.gradient_penalty, value)
        return terms

    def generator_loss(
        self, weight: float, fused: Fused, inner_params: Mapping[str, PyTree], batch: PreparedBatch
    ) -> Terms:
        """Returns the weighted loss G of a fused image that the discriminator tells from a real one; {} without one.

        Terms: `adversarial`; with the critic's name where there are several, each with this weight.
        """
        family = self._family
        if family is None:
            return {}
        shown = pictures(self._config, batch)
        fake = [self._on_grid(critic.fake(fused, shown)) for critic in self._kind.critics]
        scores = zip(self._kind.critics, self._scores(inner_params["visual"], fake), strict=True)
        return {
            _named("adversarial", critic.name): weighted(weight, mean_cost(family.generated(score), counts))
            for critic, (score, counts) in scores
        }

    def _scores(self, params: PyTree, views: Sequence[View]) -> list[tuple[Array, Array | None]]:
        """Returns the scores [B, h, w, 1] of each critic, and their weights of that shape."""
        assert self._network is not None
        scores = self._network.apply(params, _input(views))
        each = [scores] if len(views) == 1 else jnp.split(scores, len(views), axis=-1)
        return [(one, _pooled(view.weight, one)) for one, view in zip(each, views, strict=True)]

    def _on_grid(self, view: View) -> View:
        if not self._kind.on_grid:
            return view
        # It looks at one pixel at a time, so a grid of pixels is a sample of them and leaves no grid in the picture.
        every = self._config.visual.discriminator_stride
        weight = None if view.weight is None else view.weight[:, ::every, ::every]
        return View(view.images[:, ::every, ::every], weight)


def _input(views: Sequence[View]) -> Float[Array, "b h w c"]:
    return views[0].images if len(views) == 1 else jnp.concatenate([view.images for view in views], axis=-1)


def _pooled(weight: Array | None, scores: Array) -> Array | None:
    """Returns the mean weight of the pixels around which each score lies."""
    if weight is None or weight.shape == scores.shape:
        return weight
    batch, height, width = scores.shape[:3]
    rows, columns = weight.shape[1] // height, weight.shape[2] // width
    blocks = weight[:, : height * rows, : width * columns].reshape(batch, height, rows, width, columns, 1)
    return blocks.mean(axis=(2, 4))


def _named(term: str, critic: str) -> str:
    return f"{term}_{critic}" if critic else term
