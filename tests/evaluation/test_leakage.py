"""A network is not evaluated on pairs that it was trained on."""

import numpy as np
import pytest

from bilevel_jax.data.mixed_sets import add_mixture, keep_all_lists
from bilevel_jax.data.sets import open_other, open_sets
from bilevel_jax.errors import InputError
from bilevel_jax.evaluation.leakage import check_unseen
from bilevel_jax.images.files import write_image
from bilevel_jax.training.config import default_config


def test_a_run_that_saw_the_held_out_pairs_is_refused(tmp_path):
    config, trained = default_config(), default_config()
    config.data.num_train, config.data.num_validation, config.data.num_test = 6, 3, 4
    test = open_sets(config.data, config.seed).test
    trained.data.num_train = 11  # and scenes 9 ... 12 are tested on
    with pytest.raises(InputError, match=r"trained on 2 of the held-out pairs \(scene_0_00009, scene_0_00010\)"):
        check_unseen(trained, test, config)
    trained.seed = 1  # other scenes
    check_unseen(trained, test, config)
    for name in "abcdefgh":
        for camera in ("ir", "vi"):
            write_image(tmp_path / camera / f"{name}.png", np.zeros((48, 64), np.uint8))
    for file, names in (
        ("train.txt", "a\nb\nc\nd\ne\n"),
        ("val.txt", "f\n"),
        ("other.txt", "f\ng\nh\n"),
        ("rest.txt", "a\n"),
    ):
        (tmp_path / file).write_text(names)
    for own in (config, trained):
        own.data.name, own.data.root = "folder", str(tmp_path)
    trained.data.train_list, trained.data.validation_list = "other.txt", "rest.txt"
    trained.data.test_share = 0.0
    sets = open_sets(config.data, 0)
    with pytest.raises(InputError, match=r"trained on 1 of the held-out pairs \(f\)"):
        check_unseen(trained, sets.validation, config)
    trained.data.train_list, trained.data.validation_list = "train.txt", "val.txt"
    check_unseen(trained, sets.validation, config)
    # A run from before there was a test has seen what is cut out now; one from today has not.
    del trained.data.test_share, trained.data.test_list, trained.data.test_split
    with pytest.raises(InputError, match=rf"trained on 1 of the held-out pairs \({sets.test.names[0]}\)"):
        check_unseen(trained, sets.test, config)
    trained.data.test_share = 0.2
    check_unseen(trained, sets.test, config)


def test_a_run_that_mixed_in_the_held_out_pairs_is_refused(tmp_path):
    for name in "abcdefghij":
        for camera in ("ir", "vi"):
            write_image(tmp_path / camera / f"{name}.png", np.zeros((48, 64), np.uint8))
    trained, config = default_config(), default_config()
    config.data.name, config.data.root = "folder", str(tmp_path)
    trained.data.mix = (("folder", str(tmp_path), 0.5), ("scenes", "", 1.0, "images"))
    sets = open_sets(config.data, 0)
    check_unseen(trained, sets.validation, config)
    check_unseen(trained, sets.test, config)
    first = ", ".join(sets.train.names[:2])
    with pytest.raises(InputError, match=rf"trained on {len(sets.train)} of the held-out pairs \({first},"):
        check_unseen(trained, open_other(config.data, str(tmp_path)), config)
    # Other lists than those of today make pairs that were trained on the test of a table.
    kept = tmp_path / "run"
    kept.mkdir()
    val = sets.validation.names
    for split, own in (("train", val), ("val", val), ("test", sets.train.names[:2])):
        (kept / f"{split}.txt").write_text("".join(f"{name}\n" for name in own))
    with pytest.raises(InputError, match=rf"trained on 2 of the held-out pairs \({first}\)"):
        check_unseen(trained, open_sets(config.data, 0, run=kept).test, config)
    # A weight file does not hold the places of the sets.
    with trained.unlocked():
        del trained.data.root, trained.data.mix
    check_unseen(trained, open_other(config.data, str(tmp_path)), config)


def test_scenes_of_a_mixture_are_known_by_their_seed(tmp_path):
    trained, config = default_config(), default_config()
    trained.data.name, trained.data.root = "folder", str(tmp_path)
    trained.data.mix = (("scenes", "", 1.0),)
    config.data.num_train = 4
    validation = open_sets(config.data, config.seed).validation
    with pytest.raises(InputError, match=r"held-out pairs \(scene_0_00004,"):
        check_unseen(trained, validation, config)
    trained.seed = 1
    check_unseen(trained, validation, config)


def test_the_lists_that_a_run_keeps_say_what_of_a_mixture_it_has_seen(tmp_path):
    def write(names):
        for name in names:
            for camera in ("ir", "vi"):
                write_image(tmp_path / "pairs" / camera / f"{name}.png", np.zeros((48, 64), np.uint8))

    write("abcdefghij")
    trained, config = default_config(), default_config()
    config.data.name, config.data.root = "folder", str(tmp_path / "pairs")
    trained.data.num_train = 4
    trained.data.mix = (("folder", str(tmp_path / "pairs"), 0.5, "images"),)
    sets = add_mixture(trained.data, open_sets(trained.data, 0), 0)
    keep_all_lists(sets, tmp_path / "run")
    check_unseen(trained, open_sets(config.data, 0).validation, config, run=tmp_path / "run")
    write(["a1", "a2", "a3", "b1", "b2"])  # val and test are other pairs now
    seen = set(sets.train.parts[1].source.names)
    held_out = open_sets(config.data, 0)
    for source in (held_out.validation, held_out.test):
        some = sorted(seen & set(source.names))
        check_unseen(trained, source, config)
        if some:
            with pytest.raises(
                InputError, match=rf"trained on {len(some)} of the held-out pairs \({', '.join(some[:3])}"
            ):
                check_unseen(trained, source, config, run=tmp_path / "run")
    assert seen & {*held_out.validation.names, *held_out.test.names}
