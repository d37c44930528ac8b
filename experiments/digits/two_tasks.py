"""Compares the weightings on a network with two tasks: two digits on one canvas.

    python experiments/digits/two_tasks.py [--weighting=all] [--tasks=2] [--seeds=10]

As in MultiMNIST (Sabour et al., 2017; Sener and Koltun, 2018) one digit lies at the top left and one at the bottom
right, and they overlap. The tasks share a trunk and have one head each. `dynamic_aggregate` weighs the gradients of the
trunk only; each head uses the gradient of its own task. Some weightings need more than two tasks: --tasks=4 adds the
sum of the digits and whether the left one is larger. The test canvases are made of other digits than the training ones.

Adam follows, so a constant factor of the update does not matter; only its direction does. With the same seed all rows
share data, initial parameters and batches. Therefore the last column (mean accuracy minus that of `equal`, with its
standard error over the seeds) is more precise than the spread of the other columns.
"""

import functools
import sys

import jax
import jax.numpy as jnp
import numpy as np
import optax
from absl import flags
from bundled_digits import bundled_digits

from bilevel_jax.bilevel import WEIGHTINGS, dynamic_aggregate, find_state, registry, task_gradients
from bilevel_jax.command_line import parse_flags
from bilevel_jax.errors import InputError, run_command

CANVAS, SHIFT = 12, 4  # two digits of 8 x 8, which share 4 x 4 pixels
TRAIN_DIGITS = 1200  # the other 597 digits are for the test
TRAIN, TEST = 10_000, 2_000  # canvases
TRUNK = (CANVAS * CANVAS, 32, 16)  # widths; so narrow that the tasks compete
CLASSES = {"left": 10, "right": 10, "sum": 19, "larger": 2}  # task -> number of classes
BATCH, STEPS, STEP_SIZE = 128, 1500, 3e-3


def canvases(images, labels, number, rng):
    """Canvases of randomly paired digits: {"canvas": [number, 144] in [0, 1], TASK: labels [number]}."""
    one, two = rng.integers(0, len(labels), (2, number))
    canvas = np.zeros((number, CANVAS, CANVAS), np.float32)
    canvas[:, :8, :8] = images[one]
    canvas[:, SHIFT:, SHIFT:] = np.maximum(canvas[:, SHIFT:, SHIFT:], images[two])
    left, right = labels[one], labels[two]
    larger = (left > right).astype(np.int32)
    return {"canvas": canvas.reshape(number, -1), "left": left, "right": right, "sum": left + right, "larger": larger}


def data(seed):
    """The training and the test canvases."""
    images, labels = bundled_digits()
    rng = np.random.default_rng(seed)
    train, test = np.split(rng.permutation(len(labels)), [TRAIN_DIGITS])
    return canvases(images[train], labels[train], TRAIN, rng), canvases(images[test], labels[test], TEST, rng)


def init_network(key, tasks):
    def layer(key, inputs, outputs):
        matrix = jax.random.normal(key, (inputs, outputs)) * (2 / inputs) ** 0.5
        return {"matrix": matrix, "bias": jnp.zeros(outputs)}

    trunk_key, heads_key = jax.random.split(key)
    sizes = zip(jax.random.split(trunk_key, len(TRUNK) - 1), TRUNK[:-1], TRUNK[1:], strict=True)
    heads = zip(jax.random.split(heads_key, len(tasks)), tasks, strict=True)
    return {
        "trunk": [layer(*size) for size in sizes],
        "heads": [layer(k, TRUNK[-1], CLASSES[task]) for k, task in heads],
    }


def network(params, canvas):
    """The logits of each task."""
    for layer in params["trunk"]:
        canvas = jax.nn.relu(canvas @ layer["matrix"] + layer["bias"])
    return [canvas @ head["matrix"] + head["bias"] for head in params["heads"]]


def shared(params):
    """A tree of booleans: True for the parameters that the tasks share."""
    return {part: jax.tree.map(lambda _, yes=part == "trunk": yes, layers) for part, layers in params.items()}


def train(tasks, weighting, options, seed, train_set, test_set):
    """Per cent: the accuracy of each task on the test set [K], and how often two tasks were in conflict."""
    aggregate = dynamic_aggregate(
        weighting, num_tasks=len(tasks), seed=seed, shared=shared, diagnostics=True, **options
    )
    optimizer = optax.chain(aggregate, optax.adam(optax.cosine_decay_schedule(STEP_SIZE, STEPS)))

    def losses(params, batch):
        each = zip(network(params, batch["canvas"]), tasks, strict=True)
        cross_entropy = optax.softmax_cross_entropy_with_integer_labels
        return [jnp.mean(cross_entropy(logits, batch[task])) for logits, task in each]

    def step(carry, key):
        params, state = carry
        rows = jax.random.randint(key, (BATCH,), 0, TRAIN)
        batch = jax.tree.map(lambda a: a[rows], train_set)
        values, task_grads = task_gradients(lambda p: losses(p, batch), params)
        updates, state = optimizer.update(task_grads, state, params, losses=values)
        return (optax.apply_updates(params, updates), state), find_state(state).conflicts

    init_key, steps_key = jax.random.split(jax.random.key(seed))
    params = init_network(init_key, tasks)
    keys = jax.random.split(steps_key, STEPS)
    (params, _), conflicts = jax.lax.scan(step, (params, optimizer.init(params)), keys)
    answers = [jnp.argmax(logits, axis=-1) for logits in network(params, test_set["canvas"])]
    right = [jnp.mean(answer == test_set[task]) for answer, task in zip(answers, tasks, strict=True)]
    pairs = len(tasks) * (len(tasks) - 1) / 2
    return 100 * jnp.stack(right), 100 * jnp.mean(conflicts) / pairs


def options_of(weighting, num_tasks):
    """The options of a weighting beyond its own defaults."""
    if weighting == "fixed":
        return dict(weights=[2.0] + [1.0] * (num_tasks - 1))  # the left digit counts twice
    if weighting == "dwa":
        return dict(window=TRAIN // BATCH)  # an epoch, as in its paper
    required = any(option.required for option in registry.options_of(WEIGHTINGS[weighting]).values())
    return WEIGHTINGS[weighting].traits.example(num_tasks) if required else {}


def alone(tasks, task):
    """The options of `fixed` with which a single task trains the trunk."""
    return dict(weights=[float(task == other) for other in tasks])


def table_row(name, accuracy, conflicts, reference):
    """A row of the table.

    Args:
        name: the first cell.
        accuracy: [seeds, K].
        conflicts: [seeds], or None.
        reference: mean accuracy of `equal`, [seeds].
    """
    mean = np.mean(accuracy, axis=1)
    cells = [f"{a:.1f} ± {s:.1f}" for a, s in zip(np.mean(accuracy, axis=0), np.std(accuracy, axis=0), strict=True)]
    cells += [f"{np.mean(mean):.1f} ± {np.std(mean):.1f}", f"{np.mean(np.min(accuracy, axis=1)):.1f}"]
    gain = mean - reference
    cells += [
        "-" if conflicts is None else f"{np.mean(conflicts):.0f}",
        f"{np.mean(gain):+.2f} ± {np.std(gain) / len(gain) ** 0.5:.2f}",
    ]
    return f"| {name} | {' | '.join(cells)} |"


def main(argv):
    def define(values):
        names = f"all, or some of {', '.join(WEIGHTINGS)}"
        flags.DEFINE_list("weighting", ["all"], names, flag_values=values)
        text = "number of tasks: the first ones of left, right, sum, larger"
        flags.DEFINE_integer("tasks", 2, text, 2, 4, flag_values=values)
        flags.DEFINE_integer("seeds", 10, "number of runs, each with data of its own", 1, flag_values=values)

    chosen = parse_flags(define, argv, "python experiments/digits/two_tasks.py [--weighting=NAME,NAME] [--tasks=K]")
    for name in chosen.weighting:
        if name not in {*WEIGHTINGS, "all"}:
            raise InputError(f"--weighting={name} is unknown; expected all or some of {', '.join(WEIGHTINGS)}.")
    names = [name for name in WEIGHTINGS if {name, "all"} & set(chosen.weighting)]
    tasks = tuple(CLASSES)[: chosen.tasks]
    seeds = jnp.arange(chosen.seeds)
    sets = jax.tree.map(lambda *each: jnp.stack(each), *[data(seed) for seed in range(chosen.seeds)])

    def run(weighting, options):
        all_seeds = jax.jit(jax.vmap(functools.partial(train, tasks, weighting, options)))
        return jax.tree.map(np.asarray, all_seeds(seeds, *sets))

    print(
        f"| weighting | {' | '.join(tasks)} | mean | worst | conflicts | against equal |\n|{'---|' * (len(tasks) + 5)}"
    )
    singles = np.stack([run("fixed", alone(tasks, task))[0][:, k] for k, task in enumerate(tasks)], axis=1)
    equal = run("equal", {})
    reference = np.mean(equal[0], axis=1)
    print(table_row("a network a task", singles, None, reference), flush=True)
    for name in names:
        try:
            found = equal if name == "equal" else run(name, options_of(name, len(tasks)))
        except ValueError as error:  # the weighting needs more tasks
            print(f"| {name} |{' - |' * (len(tasks) + 3)} {error} |")
        else:
            print(table_row(name, *found, reference), flush=True)


if __name__ == "__main__":
    sys.exit(run_command(main))
