"""Data hyper-cleaning: a few clean validation samples reveal which half of the training labels is wrong.

    python experiments/digits/hyper_cleaning.py [--estimator=all] [--seeds=3]

The outer variable w has one logit for each training sample. The inner variable v is a softmax classifier.

    min_w  F(v*(w)),  F(v) = mean of the losses of the clean validation samples
    s.t.   v*(w) = argmin_v f(w, v),  f = mean_i sigmoid(w_i) loss_i(v) + l2 |v|^2 / 2  over training samples

F does not depend on w directly, so an estimator must find out how v* responds to w. The table shows how well the
learned weights separate clean from wrong labels (AUC), and the test accuracy of a classifier that is trained from
scratch with these weights.
"""

import functools
import sys
import time
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from absl import flags
from bundled_digits import bundled_digits

from bilevel_jax.bilevel import ESTIMATORS, Estimator, estimator
from bilevel_jax.command_line import parse_flags
from bilevel_jax.errors import InputError, run_command

TRAIN, VALIDATION = 1000, 100  # the other 697 digits are the test set
L2 = 1e-3  # so small that a classifier trained on all labels also learns the wrong ones
STEP = 0.5  # step size of gradient descent on the inner loss
SGD = optax.sgd(STEP)


class Recipe(NamedTuple):
    """How an estimator is used. The options were chosen on seeds 10 to 12; the table is about seeds 0, 1, 2, ...

    Attributes:
        name: of the estimator.
        options: of the estimator.
        inner_step: step size on the inner gradient, for an estimator that returns one.
        outer_steps: outer steps.
        outer_step: step size of Adam, which ignores the length of a hypergradient but not its direction.
        sample_by_sample: True makes one estimate for each training sample and adds them up.
    """

    name: str
    options: dict[str, Any]
    inner_step: float = STEP
    outer_steps: int = 200
    outer_step: float = 0.1
    sample_by_sample: bool = False


RECIPES = {
    "unrolled": Recipe("unrolled", dict(inner_optimizer=SGD, steps=10)),
    "truncated": Recipe("truncated", dict(inner_optimizer=SGD, steps=10, backward_steps=3)),
    # One tangent for each sample makes a step about 100 times as expensive as a step of `unrolled`: few, short steps.
    "forward": Recipe("forward", dict(inner_optimizer=SGD, steps=3), outer_steps=30, outer_step=0.3),
    "conjugate_gradient": Recipe("conjugate_gradient", dict(iterations=3)),
    "neumann": Recipe("neumann", dict(step_size=STEP, iterations=10)),
    "finite_difference": Recipe("finite_difference", dict(step_size=STEP)),
    # Each step solves a system of 1000 x 1000.
    "empirical_fisher": Recipe("empirical_fisher", dict(), outer_steps=100),
    "value_function, f2sa": Recipe("value_function", dict(step_size=STEP, steps=10)),
    "value_function, bome": Recipe("value_function", dict(method="bome", step_size=STEP, steps=10), outer_steps=100),
    # w and v move together, so w moves slowly. The inner gradient of `penalty` is gamma times as stiff as that of f.
    "moreau_envelope": Recipe("moreau_envelope", dict(step_size=STEP), outer_steps=500, outer_step=0.03),
    "penalty": Recipe(
        "penalty", dict(gamma=3.0, step_size=STEP, steps=10), inner_step=STEP / 3, outer_steps=500, outer_step=0.03
    ),
    # With all samples in one inner batch, g_i = -rho sigmoid'(w_i) loss_i has the same rho and sign for all samples.
    "one_step": Recipe("one_step", dict()),
    # With one sample a batch, rho_i = <F_v, f_v^i> / |f_v^i|^2 says whether that sample reduces the validation loss.
    "one_step, sample by sample": Recipe("one_step", dict(), sample_by_sample=True),
    # F_w = 0: the weights stay where they are.
    "ignore": Recipe("ignore", dict()),
}
# An estimator that was not tuned here.
RECIPES |= {
    name: Recipe(name, dict(factory.traits.example))
    for name, factory in ESTIMATORS.items()
    if name not in {recipe.name for recipe in RECIPES.values()}
}


def losses(classifier, samples):
    logits = samples["image"] @ classifier["matrix"] + classifier["bias"]
    return optax.softmax_cross_entropy_with_integer_labels(logits, samples["label"])


def weighted_loss(weights, classifier, samples):
    return jnp.mean(weights * losses(classifier, samples)) + L2 / 2 * jnp.sum(classifier["matrix"] ** 2)


def inner_loss(w, classifier, samples):
    return weighted_loss(jax.nn.sigmoid(w[samples["index"]]), classifier, samples)


def outer_loss(w, classifier, samples):
    return jnp.mean(losses(classifier, samples))


def make_estimator(recipe: Recipe) -> Estimator:
    made = estimator(recipe.name, outer_loss, inner_loss, **recipe.options)
    steps = recipe.options["steps"] if "inner_optimizer" in recipe.options else None

    def estimate(w, v, validation, train, state):
        if steps:  # these estimators take one inner batch a step along a leading axis; here it is always the same
            train = jax.tree.map(lambda a: jnp.broadcast_to(a, (steps, *a.shape)), train)
        if not recipe.sample_by_sample:
            return made.estimate(w, v, validation, train, state)
        batches_of_one = jax.tree.map(lambda a: a[:, None], train)
        each = jax.vmap(made.estimate, in_axes=(None, None, None, 0, None))(w, v, validation, batches_of_one, state)
        return each._replace(outer_grad=jnp.sum(each.outer_grad, axis=0), state=state)

    return made._replace(estimate=estimate)


def clean(recipe: Recipe, train, validation):
    """The logits w [TRAIN] that bilevel training finds."""
    made, optimizer = make_estimator(recipe), optax.adam(recipe.outer_step)

    def step(carry, _):
        w, v, optimizer_state, state = carry
        found = made.estimate(w, v, validation, train, state)
        updates, optimizer_state = optimizer.update(found.outer_grad, optimizer_state)
        w = optax.apply_updates(w, updates)
        if found.inner_params is not None:  # the estimator has trained the classifier itself
            v = found.inner_params
        elif found.inner_grad is not None:  # the estimator returns the gradient for the classifier
            v = descend(v, found.inner_grad, recipe.inner_step)
        else:  # the classifier follows its own loss
            v = jax.lax.fori_loop(0, 10, lambda _, v: descend(v, jax.grad(inner_loss, 1)(w, v, train), STEP), v)
        return (w, v, optimizer_state, found.state), None

    w, v = jnp.zeros(TRAIN), fit(jnp.ones(TRAIN), train)  # starts from the classifier of all labels
    carry = (w, v, optimizer.init(w), made.init(w, v))
    return jax.lax.scan(step, carry, length=recipe.outer_steps)[0][0]


def descend(v, grad, step):
    return jax.tree.map(lambda a, g: a - step * g, v, grad)


@jax.jit
def fit(weights, samples):
    """Trains the classifier on weighted samples. Only the ratios of the weights matter."""
    weights, optimizer = weights / jnp.mean(weights), optax.sgd(STEP, momentum=0.9)

    def step(carry, _):
        v, state = carry
        updates, state = optimizer.update(jax.grad(weighted_loss, 1)(weights, v, samples), state)
        return (optax.apply_updates(v, updates), state), None

    v = {"matrix": jnp.zeros((64, 10)), "bias": jnp.zeros(10)}
    return jax.lax.scan(step, (v, optimizer.init(v)), length=1000)[0][0]


def accuracy(classifier, samples):
    answers = jnp.argmax(samples["image"] @ classifier["matrix"] + classifier["bias"], axis=-1)
    return 100 * jnp.mean(answers == samples["label"])


def split(seed: int):
    """The training samples (half of them have a wrong label), validation, test, and which labels are right, [TRAIN]."""
    images, labels = bundled_digits()
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(labels))
    images, labels = images.reshape(-1, 64)[order], labels[order]
    images = images - images[:TRAIN].mean(axis=0)
    right = rng.permutation(TRAIN) < TRAIN // 2
    given = np.where(right, labels[:TRAIN], (labels[:TRAIN] + rng.integers(1, 10, TRAIN)) % 10)
    train = {"image": images[:TRAIN], "label": given, "index": np.arange(TRAIN)}
    validation, test = (
        {"image": images[part], "label": labels[part]}
        for part in (slice(TRAIN, TRAIN + VALIDATION), slice(TRAIN + VALIDATION, None))
    )
    return *jax.tree.map(jnp.asarray, (train, validation, test)), right


def table_row(name: str, auc, score, seconds) -> str:
    cells = [f"{np.mean(auc):.3f} ± {np.std(auc):.3f}" if auc else "-", f"{np.mean(score):.1f} ± {np.std(score):.1f}"]
    return f"| {name} | {' | '.join(cells)} | {f'{np.mean(seconds):.2g}' if seconds else '-'} |"


def main(argv):
    def define(values):
        text = f"all, or some of {', '.join(dict.fromkeys(r.name for r in RECIPES.values()))}"
        flags.DEFINE_list("estimator", ["all"], text, flag_values=values)
        flags.DEFINE_integer("seeds", 3, "number of splits, corruptions and runs", 1, flag_values=values)

    chosen = parse_flags(define, argv, "python experiments/digits/hyper_cleaning.py [--estimator=NAME,NAME]")
    known = {recipe.name for recipe in RECIPES.values()}
    for name in chosen.estimator:
        if name not in known | {"all"}:
            raise InputError(f"--estimator={name} is unknown; expected all or some of {', '.join(sorted(known))}.")
    recipes = {k: r for k, r in RECIPES.items() if r.name in chosen.estimator or "all" in chosen.estimator}

    from sklearn.metrics import roc_auc_score

    splits = [split(seed) for seed in range(chosen.seeds)]
    print("| weights from | AUC | test accuracy, % | seconds |\n|---|---|---|---|")
    for name, pick in {
        "all labels alike": lambda train, validation, right: (np.ones(TRAIN), train),
        "validation samples alone": lambda train, validation, right: (np.ones(VALIDATION), validation),
        "oracle: right labels alone": lambda train, validation, right: (right.astype(np.float32), train),
    }.items():
        scores = [accuracy(fit(*pick(train, held, right)), test) for train, held, test, right in splits]
        print(table_row(name, [], scores, []))
    for name, recipe in recipes.items():
        run = jax.jit(functools.partial(clean, recipe)).lower(*splits[0][:2]).compile()
        columns = []
        for train, validation, test, right in splits:
            start = time.perf_counter()
            w = run(train, validation).block_until_ready()
            seconds = time.perf_counter() - start
            score = accuracy(fit(jax.nn.sigmoid(w), train), test)
            columns.append((roc_auc_score(right, w), score, seconds))
        print(table_row(name, *zip(*columns, strict=True)), flush=True)


if __name__ == "__main__":
    sys.exit(run_command(main))
