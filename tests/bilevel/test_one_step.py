"""one_step against the implicit function theorem, its bounds, and its edge cases."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bilevel_jax.bilevel import estimator, ignore, one_step


def affine_residual(rng, outer_size=5, inner_size=4):
    """f = r^2 / 2 with one residual r = a.w + b.v + c, and a quadratic F."""
    a, b, c = rng.normal(size=outer_size), rng.normal(size=inner_size), rng.normal()
    matrix = rng.normal(size=(9, outer_size + inner_size))

    def inner(w, v, batch):
        return (w @ a + v @ b + c) ** 2 / 2

    def outer(w, v, batch):
        return jnp.sum((matrix @ jnp.concatenate([w, v]) - 1) ** 2)

    return outer, inner


@pytest.mark.parametrize("seed", range(3))
def test_exact_on_one_affine_residual(seed):
    with jax.enable_x64(True):
        rng = np.random.default_rng(seed)
        outer, inner = affine_residual(rng)
        w, v = jnp.asarray(rng.normal(size=5)), jnp.asarray(rng.normal(size=4))
        f_vv, f_wv = jax.hessian(inner, 1)(w, v, None), jax.jacfwd(jax.grad(inner, 0), 1)(w, v, None)
        F_w, F_v = jax.grad(outer, (0, 1))(w, v, None)
        implicit = F_w - f_wv @ jnp.linalg.pinv(f_vv) @ F_v
        result = one_step(outer, inner).estimate(w, v, None, None, ())
        np.testing.assert_allclose(result.outer_grad, implicit, rtol=1e-8)
        # Levenberg-Marquardt with the Gauss-Newton matrices of this residual: r^2 scales both of them.
        f_w, f_v = jax.grad(inner, (0, 1))(w, v, None)
        damped = F_w - jnp.outer(f_w, f_v) @ jnp.linalg.solve(jnp.outer(f_v, f_v) + 0.3 * jnp.eye(4), F_v)
        np.testing.assert_allclose(one_step(outer, inner, damping=0.3).estimate(w, v, 0, 0, ()).outer_grad, damped)


def test_relative_damping_bounds_rho():
    rng = np.random.default_rng(1)
    outer, inner = affine_residual(rng)
    for delta in (0.01, 1.0):
        for distance in 10.0 ** np.arange(-6, 4):
            w, v = rng.normal(size=5) * distance, rng.normal(size=4) * distance
            made = one_step(outer, inner, relative_damping=delta)
            rho = made.estimate(jnp.asarray(w), jnp.asarray(v), None, None, ()).aux["rho"]
            assert abs(rho) <= 1 / (2 * delta**0.5) * (1 + 1e-5)


@pytest.mark.parametrize("options", [{}, {"damping": 0.1}, {"relative_damping": 0.1}])
def test_no_inner_gradient_gives_no_correction(options):
    outer = lambda w, v, batch: jnp.sum(w * v)  # noqa: E731
    inner = lambda w, v, batch: jnp.sum(w) * 1.0  # noqa: E731
    w, v = jnp.arange(3.0), jnp.zeros(3)
    result = one_step(outer, inner, **options).estimate(w, v, None, None, ())
    np.testing.assert_array_equal(result.outer_grad, v)
    assert result.aux["rho"] == 0


def test_without_correction_the_inner_loss_is_not_looked_at():
    def outer(w, v, batch):
        return jnp.sum(w**2 * v), {"seen": batch}

    def inner(*_):
        raise AssertionError("the inner loss was called")

    w, v = jnp.arange(3.0), jnp.ones(3)
    for made in (one_step(outer, inner, correction=0.0, has_aux=True), ignore(outer, inner, has_aux=True)):
        assert not made.needs_inner_loss
        result = made.estimate(w, v, 7.0, None, made.init(w, v))
        np.testing.assert_array_equal(result.outer_grad, 2 * w)
        assert result.aux["outer_aux"] == {"seen": 7.0}
        np.testing.assert_allclose(result.aux["outer_grad_norm"], 20**0.5, rtol=1e-6)


def test_aux_is_what_it_says():
    rng = np.random.default_rng(2)
    outer, inner = affine_residual(rng)
    w, v = jnp.asarray(rng.normal(size=5)), jnp.asarray(rng.normal(size=4))
    result = one_step(outer, inner, correction=0.5).estimate(w, v, None, None, ())
    (F_w, F_v), (f_w, f_v) = (jax.grad(loss, (0, 1))(w, v, None) for loss in (outer, inner))
    expected = {
        "outer_loss": outer(w, v, None),
        "inner_loss": inner(w, v, None),
        "rho": F_v @ f_v / (f_v @ f_v),
        "outer_grad_norm": jnp.linalg.norm(F_w),
        "mixed_grad_norm": jnp.linalg.norm(f_w),
        "outer_inner_norm": jnp.linalg.norm(F_v),
        "inner_grad_norm": jnp.linalg.norm(f_v),
        "outer_mixed_dot": F_w @ f_w,
    }
    assert set(result.aux) == set(expected)
    for name, value in expected.items():
        np.testing.assert_allclose(result.aux[name], value, rtol=1e-5, err_msg=name)
    np.testing.assert_allclose(result.outer_grad, F_w - 0.5 * expected["rho"] * f_w, rtol=1e-5)


def test_bfloat16_inner_products_are_float32():
    size = 4096  # a bfloat16 sum of as many ones stops at 256

    def outer(w, v, batch):
        return jnp.sum(w) + jnp.sum(v)

    w = v = jnp.zeros(size, jnp.bfloat16)
    result = one_step(outer, outer).estimate(w, v, None, None, ())
    assert result.outer_grad.dtype == jnp.bfloat16
    assert result.aux["outer_mixed_dot"] == size and result.aux["rho"] == 1


def test_names_and_options_are_checked():
    with pytest.raises(ValueError, match="did you mean 'one_step'"):
        estimator("onestep", None, None)
    with pytest.raises(ValueError, match="must not be negative"):
        one_step(None, None, damping=-1.0)
    outer, inner = affine_residual(np.random.default_rng(0))
    assert not estimator("one_step", outer, inner, correction=0.0).needs_inner_loss
