"""What the registries know of their methods."""

import sys
from collections.abc import Sequence

import pytest

from bilevel_jax.bilevel import ESTIMATORS, WEIGHTINGS, hypergradient, options_of, weighting
from bilevel_jax.bilevel.docstrings import summary
from bilevel_jax.bilevel.registry import REQUIRED

METHODS = {**WEIGHTINGS, **ESTIMATORS}


@pytest.mark.parametrize("name", METHODS)
def test_what_the_file_of_a_method_says(name):
    """The method is called as its file; its docstring begins with a sentence and explains every option."""
    package = weighting if name in WEIGHTINGS else hypergradient
    assert getattr(package, name) is METHODS[name]
    assert getattr(sys.modules[f"{package.__name__}.{name}"], name) is METHODS[name]
    assert summary(METHODS[name]).endswith(".")
    for option, about in options_of(METHODS[name]).items():
        assert len(about.help) > 10, f"{option} has no help"
        assert about.type is not REQUIRED, f"{option} has no type"
        assert about.required or about.default is None or about.choices or isinstance(about.default, about.type)


def test_the_registries_are_in_alphabetical_order_and_complete():
    assert list(WEIGHTINGS) == sorted(WEIGHTINGS) and list(ESTIMATORS) == sorted(ESTIMATORS)
    assert set(WEIGHTINGS) >= {"random", "equal", "mgda"} and set(ESTIMATORS) >= {"one_step", "ignore", "unrolled"}


def test_options():
    found = options_of(WEIGHTINGS["aligned_mtl"])
    assert list(found) == ["scale_mode", "preference"]
    assert found["scale_mode"].default == "min" and found["scale_mode"].choices == ("min", "median", "rmse")
    assert found["preference"].type == Sequence[float] | None and found["preference"].choices is None
    assert found["preference"].help == "K weights in place of 1/K, at least 0."
    assert not found["preference"].required and options_of(WEIGHTINGS["fixed"])["weights"].required
    assert options_of(WEIGHTINGS["equal"]) == {}


def test_options_that_a_configuration_can_hold():
    options = {(name, key): option for name, make in METHODS.items() for key, option in options_of(make).items()}
    not_plain = {key for key, option in options.items() if not option.plain}
    inner_optimizers = {(name, "inner_optimizer") for name in ("forward", "truncated", "unrolled")}
    assert not_plain >= {("graddrop", "f"), ("empirical_fisher", "outer_in_axes")} | inner_optimizers
    assert not not_plain & {("cagrad", "c"), ("fixed", "weights"), ("penalty", "kind"), ("aligned_mtl", "preference")}


def test_an_estimators_options_are_its_own():
    """The losses and the context come from the problem."""
    assert list(options_of(ESTIMATORS["one_step"])) == ["correction", "damping", "relative_damping"]
    assert options_of(ESTIMATORS["ignore"]) == {}
