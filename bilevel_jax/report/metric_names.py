"""The names of a run's figures in metrics.jsonl and TensorBoard: how they are composed, and how they are read.

    loss/warm_start               loss of the warm start
    loss/TASK/inner               loss of a task's own network
    loss/TASK/outer               loss of the fusion network for a task
    term/warm_start/NAME          one weighted term of the warm start's loss
    term/TASK/NAME                one weighted term of a task's outer loss
    lambda/TASK                   weight of a task in the outer update
    rho/TASK                      factor of the one-step correction
    correction/TASK               length of the correction over the length of F_u
    gradient/TASK/NAME            a norm or product of a task's hypergradient
    gradient/cosine               cosine between the hypergradients of two tasks
    gradient/cosine/TASK+TASK     the same for each pair of more than two tasks
    norm/outer_update             length of the combined hypergradient
    learned_weight/NAME           factor of a term of a learned loss, of a map its mean; 1 = as given
    learned_weight_spread/NAME    standard deviation of that factor over the pixels of a batch
    no_task/outer                 1 where no task was present in an outer step, which then changed nothing, else 0
    skipped/STEP                  1 where the step met a NaN and changed nothing, else 0
    validation/NAME               a figure of the validation pairs
    time/NAME                     a duration or a rate

Rooms that write these names (training) and rooms that read them (report, evaluation) both import this file.
"""

from typing import NamedTuple

WARM_START, BILEVEL = "warm_start", "bilevel"  # the values of "phase", which every line of metrics.jsonl has
INNER, OUTER = "inner", "outer"
LOSS, TERM = "loss", "term"
WEIGHT, RHO, CORRECTION = "lambda", "rho", "correction"
GRADIENT, NORM = "gradient", "norm"
COSINE = "cosine"
SKIPPED, VALIDATION, TIME = "skipped", "validation", "time"
LEARNED_WEIGHT, LEARNED_WEIGHT_SPREAD = "learned_weight", "learned_weight_spread"

WARM_START_LOSS = f"{LOSS}/{WARM_START}"
GRADIENT_COSINE = f"{GRADIENT}/{COSINE}"
OUTER_UPDATE_NORM = f"{NORM}/outer_update"
NO_TASK = "no_task/outer"
STEP_SECONDS = f"{TIME}/step_s"
WAIT_SECONDS = f"{TIME}/wait_s"
IMAGES_PER_SECOND = f"{TIME}/images_per_s"


class MetricName(NamedTuple):
    """The parts of a name.

    Attributes:
        quantity: what stands before the first slash, such as `LOSS` or `RHO`.
        task: the task that the figure is about; "" where it is about none.
        part: what tells the quantity's figures apart: `INNER` or `OUTER` of a loss, the term's name, the step's name;
            "" where a task has one figure.
    """

    quantity: str
    task: str = ""
    part: str = ""

    def __str__(self) -> str:
        return "/".join(part for part in self if part)

    @property
    def after_quantity(self) -> str:
        """What follows the first slash; "" where there is none."""
        return "/".join(part for part in self[1:] if part)


def loss(task: str, level: str) -> str:
    """Returns the name of a task's loss; `level` is `INNER` or `OUTER`."""
    return str(MetricName(LOSS, task, level))


def term(task: str, name: str) -> str:
    """Returns the name of a term of a task's outer loss; the warm start's terms have `WARM_START` for a task."""
    return str(MetricName(TERM, task, name))


def of_task(quantity: str, task: str) -> str:
    """Returns the name of a task's `WEIGHT`, `RHO` or `CORRECTION`."""
    return str(MetricName(quantity, task))


def learned_weight(term: str) -> str:
    """Returns the name of the factor of a term of a learned loss."""
    return str(MetricName(LEARNED_WEIGHT, part=term))


def learned_weight_spread(term: str) -> str:
    """Returns the name of the factor's standard deviation over pixels."""
    return str(MetricName(LEARNED_WEIGHT_SPREAD, part=term))


def gradient(task: str, name: str) -> str:
    """Returns the name of a norm or product of a task's hypergradient."""
    return str(MetricName(GRADIENT, task, name))


def cosine(one: str, other: str) -> str:
    """Returns the name of the cosine between two tasks' hypergradients, for a run of more than two tasks."""
    return str(MetricName(GRADIENT, part=f"{COSINE}/{one}+{other}"))


def skipped(step: str) -> str:
    """Returns the name of the figure that says whether the step "warm_start", "inner", ... was skipped."""
    return str(MetricName(SKIPPED, part=step))


def validation(name: str) -> str:
    """Returns the name of a figure of the validation pairs."""
    return str(MetricName(VALIDATION, part=name))


def parse(name: str) -> MetricName:
    """Takes a name apart; one of another form keeps all that follows the first slash in `part`."""
    match name.split("/"):
        case ["gradient", "cosine", pair]:
            return MetricName(GRADIENT, part=f"{COSINE}/{pair}")
        case ["loss" | "term" | "gradient" as quantity, task, part]:
            return MetricName(quantity, task, part)
        case ["lambda" | "rho" | "correction" as quantity, task]:
            return MetricName(quantity, task)
        case [quantity, *rest]:
            return MetricName(quantity, part="/".join(rest))
    raise AssertionError("str.split returns at least one part")
