"""A program: NAMES. Gradients of both losses of discriminators on one device and on two; prints what differs.

NAMES is a JSON list of names of discriminators. For each the program prints a JSON line with the largest differences
of the discriminator's gradient and of the image's, relative to the largest entry.
"""

import json
import sys

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import AxisType, PartitionSpec

from bilevel_jax.bilevel import BilevelProblem, Task, inner_gradients, outer_gradient
from bilevel_jax.images.color import luma
from bilevel_jax.models.discriminators import discriminator_network
from bilevel_jax.training.config import check_config, default_config
from bilevel_jax.training.estimators import estimator_factory
from bilevel_jax.training.tasks.discriminator import Discriminator

SIDE, BATCH = 40, 4


def prepared_batch(seed: int) -> dict[str, jax.Array]:
    """Pairs by day and by night, with more heat on some: a mean over devices is not a mean of the devices' means."""
    rng = np.random.default_rng(seed)
    image = lambda channels: rng.random((BATCH, SIDE, SIDE, channels))
    light, heat = (np.asarray(values)[:, None, None, None] for values in ([1.0, 0.4, 0.1, 0.5], [0.1, 0.9, 0.9, 0.5]))
    infrared = 0.05 * image(1) + heat * (np.arange(SIDE)[:, None] > 25)[..., None]
    arrays = {"ir": infrared, "vis": light * image(3), "saliency": image(1), "mix": rng.random(BATCH)}
    return {key: jnp.asarray(value, jnp.float32) for key, value in arrays.items()}


def gradients_of(name: str):
    config = default_config()
    config.data.crop = (SIDE, SIDE)
    config.visual.update(discriminator=name, loss="wgan_gp", real="exposed")
    config.bilevel.correction = 1.0
    config = check_config(config)
    network = discriminator_network(name)
    discriminator = Discriminator(config, network)
    params = {"visual": network.init(jax.random.key(0), jnp.zeros((1, SIDE, SIDE, 1)))}

    def outer_loss(fused, inner_params, batch):
        return discriminator.generator_loss(1.0, fused, inner_params, batch)

    def forward(share, batch):  # in place of a fusion network
        return share * batch["ir"] + (1 - share) * luma(batch["vis"])

    problem = BilevelProblem(forward, {"visual": Task(discriminator.own_loss, outer_loss)})
    share = jnp.linspace(0.2, 0.8, SIDE * SIDE).reshape(SIDE, SIDE, 1)

    def gradients(share, params, first, second, axis_name=None):
        own, _ = inner_gradients(problem, share, params, second, axis_name=axis_name)
        factory = estimator_factory(config)
        image, _ = outer_gradient(problem, share, params, first, second, estimators=factory, axis_name=axis_name)
        return own["visual"], image

    return gradients, (share, params, prepared_batch(1), prepared_batch(2))


def main(names: str) -> None:
    assert jax.device_count() == 2
    mesh = jax.make_mesh((2,), ("data",), axis_types=(AxisType.Auto,))
    everywhere, split = PartitionSpec(), PartitionSpec("data")
    for name in json.loads(names):
        gradients, arguments = gradients_of(name)
        alone = jax.jit(gradients)(*arguments)
        mapped = jax.shard_map(
            lambda *parts, f=gradients: f(*parts, axis_name="data"),
            mesh=mesh,
            in_specs=(everywhere, everywhere, split, split),
            out_specs=everywhere,
        )
        together = jax.jit(mapped)(*arguments)
        apart = []
        for one, two in zip(alone, together, strict=True):
            flat = [np.concatenate([np.ravel(leaf) for leaf in jax.tree.leaves(tree)]) for tree in (one, two)]
            apart.append(float(np.abs(flat[0] - flat[1]).max() / np.abs(flat[0]).max()))
        print(json.dumps({"name": name, "own": apart[0], "image": apart[1]}), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
