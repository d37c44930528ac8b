"""The loop around the steps, on a network and pictures so small that a run takes a second: what stays, what is said."""

import itertools
import json
import re
import time

import numpy as np
import pytest

from bilevel_jax.checkpoints import load_run
from bilevel_jax.checkpoints.compare import timeless_metrics
from bilevel_jax.data.scenes import SceneSource
from bilevel_jax.data.sets import open_sets
from bilevel_jax.errors import InputError, RunError, StopSignal
from bilevel_jax.images.files import write_image
from bilevel_jax.training import loop
from bilevel_jax.training.config import check_config, default_config
from bilevel_jax.training.loop import train
from bilevel_jax.training.signals import StopRequest

STEPS = 6


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Six pairs to train on, of which a warm start takes every other one, and two of val and of test."""
    root, scenes = tmp_path_factory.mktemp("pairs"), SceneSource(10, seed=2, height=48, width=48)
    names = [f"n{i}" for i in range(10)]
    for i, name in enumerate(names):
        write_image(root / "ir" / f"{name}.png", scenes[i]["ir"])
        write_image(root / "vi" / f"{name}.png", scenes[i]["vis"])
    (root / "train.txt").write_text("\n".join(names[:6]))
    (root / "val.txt").write_text("\n".join(names[6:8]))
    (root / "test.txt").write_text("\n".join(names[8:]))
    return root


@pytest.fixture(autouse=True, scope="module")
def no_curves():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop, "plot_curves", lambda *_: None)
        yield


def config(root, **changes):
    """Only a warm start: one compiled step."""
    config = default_config()
    config.data.name, config.data.root, config.data.crop = "folder", str(root), (32, 32)
    config.data.block = config.data.batch_size = 1
    config.data.cache_mebibytes, config.data.prefetch, config.data.threads = 0, 1, 0
    config.semantic.task, config.visual.loss = "none", "none"
    config.visual.adversarial = config.semantic.adversarial = 0.0
    config.warm_start.steps, config.steps, config.sheet_every = STEPS, 0, 0
    config.checkpoint_every, config.keep_checkpoints = 2, 2
    for key, value in changes.items():
        config[key] = value
    return check_config(config)


def run(config, workdir, validate=None, stop_at=None):
    """Trains, and is told to stop after the step `stop_at`."""
    stop = StopRequest()
    if stop_at is not None:
        stop.asked_of_any = lambda step: step == stop_at
    return train(config, open_sets(config.data, config.seed), workdir, stop, validate)


def metrics(workdir):
    return [json.loads(line) for line in (workdir / "metrics.jsonl").read_text().splitlines()]


def fusion(workdir, checkpoint):
    params = load_run(workdir, checkpoint)[1]["outer_params"]["params"]
    return np.asarray(params["stem"]["kernel"]).tobytes()


def steps_in(workdir):
    return sorted(int(path.name) for path in (workdir / "checkpoints").iterdir())


VALUES = [0.3, 0.4, 0.9, 0.5, 0.6, 0.7]


@pytest.fixture(scope="module")
def straight(folder, tmp_path_factory):
    """A run that nothing happened to, with a best step: (its folder, what each step's parameters were measured as)."""
    workdir, measured = tmp_path_factory.mktemp("straight"), {}

    def validate(outer_params, semantic_params):
        assert semantic_params == {}
        return {"VIF": measured.setdefault(outer_params["params"]["stem"]["kernel"].tobytes(), VALUES[len(measured)])}

    run(config(folder, keep_best="VIF", validate_every=1), workdir, validate)
    return workdir, measured


def test_the_best_checkpoint_stays_is_said_and_survives_a_stop(folder, straight, tmp_path, capsys):
    workdir, measured = straight
    assert steps_in(workdir) == [3, 4, 6]  # step 3 is no multiple of checkpoint_every
    assert [line["validation/VIF"] for line in metrics(workdir)] == VALUES
    assert fusion(workdir, "") == fusion(workdir, "best") == list(measured)[2] != fusion(workdir, "newest")
    # Stopped right after the best step, and gone on with: the figure of the best one is not lost.
    chosen = config(folder, keep_best="VIF", validate_every=1)

    def validate(outer_params, semantic_params):  # the same parameters are worth the same
        return {"VIF": measured[outer_params["params"]["stem"]["kernel"].tobytes()]}

    with pytest.raises(StopSignal, match="saved step 4 of 6"):
        run(chosen, tmp_path, validate, stop_at=4)
    run(chosen, tmp_path, validate)
    said = capsys.readouterr().out
    assert "resumed from step 4 of 6" in said and "best VIF: 0.9 at step 3" in said
    assert steps_in(tmp_path) == [3, 4, 6] and timeless_metrics(tmp_path) == timeless_metrics(workdir)
    for which in ("best", "newest"):
        assert fusion(tmp_path, which) == fusion(workdir, which)


def test_a_file_that_is_deleted_in_mid_run_is_named_and_what_was_reached_is_saved(folder, straight, tmp_path):
    chosen = config(folder)
    sets = open_sets(chosen.data, chosen.seed)
    stream = loop._batches(chosen, sets, "outer")
    (index,) = [next(stream)["index"] for _ in range(3)][-1]  # the third step is the first to ask for this pair
    gone = folder / "vi" / f"{sets.train.names[index]}.png"
    kept = gone.read_bytes()
    gone.unlink()
    with pytest.raises(RunError, match=re.escape(f"{gone} does not exist")) as caught:
        train(chosen, sets, tmp_path, StopRequest())
    gone.write_bytes(kept)
    assert str(caught.value).endswith("; step 2 of 6 is saved, and the same command resumes once it can be read.")
    assert steps_in(tmp_path) == [2] and len(metrics(tmp_path)) == 2
    run(chosen, tmp_path)
    assert fusion(tmp_path, "newest") == fusion(straight[0], "newest")
    assert [line["step"] for line in metrics(tmp_path)] == list(range(1, STEPS + 1))


def test_a_clock_that_goes_backwards_changes_nothing(folder, tmp_path, monkeypatch):
    """Checkpoints are ordered by their steps, and durations are taken by a clock that cannot be set."""
    clock = itertools.count(2e9, -1000)
    monkeypatch.setattr(time, "time", lambda: float(next(clock)))
    run(config(folder), tmp_path)
    assert next(clock) < 2e9 - 10_000  # it was looked at
    assert steps_in(tmp_path) == [4, 6] and int(load_run(tmp_path)[1]["step"]) == STEPS
    lines = metrics(tmp_path)
    assert [line["step"] for line in lines] == list(range(1, STEPS + 1))
    assert all(line["time/step_s"] > 0 and line["time/wait_s"] >= 0 for line in lines)


def test_another_run_s_parameters_are_the_start_of_a_new_run_only(folder, straight, tmp_path, capsys):
    still = config(folder)
    with still.unlocked():
        still.initial.run = str(straight[0])
        still.warm_start.learning_rate = still.warm_start.weight_decay = 0.0
    run(still, tmp_path / "new")
    said = capsys.readouterr().out
    assert f"Arrays taken over from step 3 of {straight[0]}" in said and "discriminator" not in said  # of its best step
    assert fusion(tmp_path / "new", "newest") == fusion(straight[0], "best")
    with still.unlocked():
        still.initial.run = str(tmp_path / "gone")
    run(still, tmp_path / "new")  # goes on: what is gone is not looked for
    assert capsys.readouterr().out == f"resumed from step {STEPS} of {STEPS}\n"
    with pytest.raises(InputError, match="gone is not a run's folder"):
        run(still, tmp_path / "another")
    assert not (tmp_path / "another").exists()


@pytest.mark.parametrize("single_level", [False, True])
def test_batches_are_of_the_part_that_tags_and_labels_leave(single_level):
    """One level trains on the pairs of both parts, and on none that both leave out."""
    chosen = default_config()
    chosen.data.num_train, chosen.data.height, chosen.data.width, chosen.data.crop = 24, 48, 48, (32, 32)
    chosen.data.inner_where, chosen.data.outer_where, chosen.data.inner_labels = "day", "night", 3
    chosen.data.batch_size, chosen.data.threads = 8, 0
    chosen.bilevel.single_level = single_level
    if single_level:
        chosen.bilevel.estimator, chosen.bilevel.outer_every = "ignore", 1
    chosen = check_config(chosen)
    sets = open_sets(chosen.data, chosen.seed)
    expected = {"inner": set(sets.inner), "outer": set(sets.outer)}
    if single_level:
        expected["inner"] = expected["inner"] | expected["outer"]
    assert len(sets.inner) == 3 and len(expected["inner"] | expected["outer"]) < 24
    for part, own in expected.items():
        batches = loop._batches(chosen, sets, part)
        assert {int(i) for batch in itertools.islice(batches, 6) for i in batch["index"]} == own
        batches.close()
