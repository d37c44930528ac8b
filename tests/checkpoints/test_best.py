"""Which checkpoints stay: the newest ones, and the one that is best when Orbax asks."""

from types import SimpleNamespace

from bilevel_jax.checkpoints.best import LatestAndBest, best_step, figures_of


def kept(policy, steps):
    answers = policy.should_preserve([SimpleNamespace(step=step) for step in steps], context=None)
    return [step for step, stays in zip(steps, answers, strict=True) if stays]


def test_the_policy_asks_for_the_best_of_the_steps_that_exist():
    asked = []

    def best_of(steps):
        asked.append(list(steps))
        return {1, 3} & set(steps) and min({1, 3} & set(steps))

    policy = LatestAndBest(2, best_of)
    assert kept(policy, [1, 2, 3, 4, 5]) == [1, 4, 5]
    assert kept(policy, [2, 3, 4, 5, 6]) == [3, 5, 6]
    assert asked == [[1, 2, 3, 4, 5], [2, 3, 4, 5, 6]]
    assert kept(LatestAndBest(3, lambda steps: None), [1, 2, 3, 4]) == [2, 3, 4]


def test_the_best_is_the_earliest_of_the_highest():
    figures = {4: {"VIF": 0.7}, 2: {"VIF": 0.7, "SSIM": 0.1}, 3: {"SSIM": 0.9}, 1: {}}
    assert best_step(figures, "VIF") == 2 and best_step(figures, "SSIM") == 3
    assert best_step(figures, "") is None and best_step({}, "VIF") is None


def test_figures_that_cannot_be_read_are_none(tmp_path):
    assert figures_of(tmp_path, 3) == {}
    item = tmp_path / "checkpoints" / "3" / "validation"
    item.mkdir(parents=True)
    (item / "metadata").write_text("{")
    assert figures_of(tmp_path, 3) == {}
    (item / "metadata").write_text('{"VIF": 0.5}')
    assert figures_of(tmp_path, 3) == {"VIF": 0.5}
