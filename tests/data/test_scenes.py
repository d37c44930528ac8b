"""The synthetic world: a function of (seed, index), exact in its labels, and in need of both cameras."""

import numpy as np
import pytest

from bilevel_jax.data.scenes import SceneSource, generate
from bilevel_jax.data.scenes.canvas import Canvas
from bilevel_jax.data.scenes.degrade import blur
from bilevel_jax.data.scenes.figure import Figure
from bilevel_jax.data.scenes.materials import GROUPS, MATERIALS, Climate
from bilevel_jax.data.scenes.render import render
from bilevel_jax.data.scenes.source import boxes_of
from bilevel_jax.data.scenes.texture import noise_tile, sample
from bilevel_jax.data.scenes.world import BIKE, CAR, CURVE, LABELS, PERSON
from bilevel_jax.errors import InputError

# A mean difference from the surroundings under this many of 255 grey levels is taken as "not seen".
UNSEEN, SEEN = 10.0, 18.0


@pytest.fixture(scope="module")
def scenes():
    return [render(11, index, 120, 160) for index in range(120)]


def _grown(mask, steps):
    for _ in range(steps):
        p = np.pad(mask, 1)
        mask = p[1:-1, 1:-1] | p[:-2, 1:-1] | p[2:, 1:-1] | p[1:-1, :-2] | p[1:-1, 2:]
    return mask


@pytest.fixture(scope="module")
def contrasts(scenes):
    """(label, hidden, contrast in vis, in ir, in their mean) of every object with free ground around it."""
    rows = []
    for scene in scenes:
        vis, ir = scene.vis.astype(np.float32), scene.ir[..., 0].astype(np.float32)
        mean = 0.5 * ir + 0.5 * vis.mean(-1)
        for entry in scene.objects:
            mask = scene.instances == entry.instance
            ring = _grown(mask, 4) & ~_grown(mask, 1) & (scene.labels == 0)
            if ring.sum() >= 8:
                difference = [view[mask].mean(0) - view[ring].mean(0) for view in (vis, ir, mean)]
                rows.append((entry.label, entry.hidden, *(float(np.abs(d).max()) for d in difference)))
    return rows


def _same(a, b):
    return a.keys() == b.keys() and all(np.array_equal(a[key], b[key]) for key in a)


@pytest.mark.parametrize("size", [(96, 128), (97, 131), (131, 97), (48, 63)], ids=str)
def test_record_follows_the_contract_of_sources(size):
    record = generate(0, 3, *size)
    shapes = dict(ir=(*size, 1), vis=(*size, 3), saliency=(*size, 1), labels=size)
    assert {key: record[key].shape for key in shapes} == shapes
    assert record["ir"].dtype == record["vis"].dtype == record["saliency"].dtype == np.uint8
    assert record["labels"].dtype == record["classes"].dtype == np.int32
    assert record["boxes"].dtype == np.float32 and record["boxes"].shape == (len(record["classes"]), 4)
    assert record["has_labels"] and record["has_boxes"] and record["index"] == 3
    assert 0 <= record["labels"].min() and record["labels"].max() < len(LABELS)
    y0, x0, y1, x1 = record["boxes"].T
    assert len(y0) and (0 <= y0).all() and (y0 < y1).all() and (y1 <= size[0]).all()
    assert (0 <= x0).all() and (x0 < x1).all() and (x1 <= size[1]).all()


def test_scene_depends_on_seed_and_index_alone():
    first = generate(4, 7)
    generate(4, 8)
    assert _same(first, generate(4, 7))
    for other in (generate(4, 8), generate(5, 7)):
        assert np.abs(first["vis"].astype(int) - other["vis"]).mean() > 5


def test_every_seed_and_index_is_a_picture_of_its_own():
    pairs = [(seed, index) for seed in range(4) for index in range(5)]
    pictures = {generate(seed, index, 48, 64)["ir"].tobytes() for seed, index in pairs}
    assert len(pictures) == len(pairs)


def test_held_out_scenes_are_none_of_the_training_scenes(scenes):
    """Not one held-out scene equals, or nearly equals, a training scene or another held-out one."""
    train, held_out = SceneSource(80, seed=11), SceneSource(40, seed=11, offset=80)
    assert not set(train.names) & set(held_out.names)
    np.testing.assert_array_equal(held_out[0]["vis"], scenes[80].vis)
    views = np.stack([np.concatenate([scene.vis, scene.ir], -1) for scene in scenes]).astype(np.float32)
    # Grey levels of 10 x 10 pixels: noise averages out, so that a copy with new noise would be found too (under 1).
    coarse = views.reshape(120, 12, 10, 16, 10, 4).mean((2, 4)).reshape(120, -1)
    distance = np.abs(coarse[:, None] - coarse[None, 80:]).mean(-1)
    assert distance[np.arange(120)[:, None] != np.arange(80, 120)].min() > 5


def test_order_of_access_and_cache_change_nothing():
    forward, backward = SceneSource(4, seed=2), SceneSource(4, seed=2, cache=False)
    records = [forward[i] for i in range(4)]
    for i in (3, 1, 0, 2):
        assert _same(records[i], backward[i]) and _same(records[i], forward[i])


def test_what_a_caller_does_to_a_record_does_not_reach_the_cache():
    source = SceneSource(1)
    source[0]["boxes"] = None
    assert source[0]["boxes"] is not None
    with pytest.raises(ValueError, match="read-only"):
        source[0]["vis"][0, 0] = 0


def test_offset_continues_the_same_world():
    whole, rest = SceneSource(5, seed=9), SceneSource(2, seed=9, offset=3)
    assert rest.groups == whole.groups[3:] and rest.names == whole.names[3:]
    np.testing.assert_array_equal(rest[1]["vis"], whole[4]["vis"])
    assert rest[1]["index"] == 1


def test_source_ends_where_it_says_so():
    source = SceneSource(2)
    assert len(source) == 2 and source.class_names == ("person", "bicycle", "car") and len(source.label_names) == 9
    with pytest.raises(IndexError):
        source[2]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (dict(num=0), "found num=0.*expected num >= 1"),
        (dict(num=-2), "found num=-2"),
        (dict(num=3, height=20), "size 20x160, .* sides of at least 48"),
        (dict(num=3, width=47), "size 120x47"),
        (dict(num=3, seed=-1), "found seed=-1.*expected both >= 0"),
        (dict(num=3, offset=-5), "offset=-5"),
    ],
    ids=str,
)
def test_impossible_arguments_are_input_errors(arguments, message):
    with pytest.raises(InputError, match=message):
        SceneSource(**arguments)


def test_one_scene_is_the_same_scene_at_every_size():
    small, large = render(1, 6, 96, 128), render(1, 6, 480, 640)
    assert large.vis.shape == (480, 640, 3)
    agree = (small.labels == large.labels[2::5, 2::5]).mean()
    assert agree > 0.98
    pooled = large.vis.reshape(96, 5, 128, 5, 3).mean((1, 3))
    assert np.abs(pooled - small.vis).mean() < 8


def test_all_classes_occur_and_no_other_id(scenes):
    pixels = sum(np.bincount(scene.labels.ravel(), minlength=len(LABELS)) for scene in scenes)
    assert len(pixels) == len(LABELS)
    assert (pixels / pixels.sum() > 0.001).all()
    # Drawn with shares of 0.36, 0.22 and 0.42.
    assert min([scene.group for scene in scenes].count(group) for group in GROUPS) >= 12
    groups = SceneSource(120, seed=11).groups
    assert groups == [scene.group for scene in scenes]


def test_every_scene_has_objects_enough(scenes):
    counts = [sum(entry.label != CURVE for entry in scene.objects) for scene in scenes]
    assert min(counts) >= 2 and max(counts) <= 14 and 4 <= np.mean(counts) <= 8


def test_boxes_are_the_extents_of_the_instance_masks(scenes):
    for scene in scenes:
        boxes, classes = boxes_of(scene)
        boxed = [entry for entry in scene.objects if entry.label in (PERSON, BIKE, CAR)]
        assert len(boxed) == len(boxes)
        for entry, (y0, x0, y1, x1), kind in zip(boxed, boxes.astype(int), classes, strict=True):
            mask = scene.instances == entry.instance
            assert mask[y0:y1, x0:x1].sum() == mask.sum() >= 10
            assert mask[y0].any() and mask[y1 - 1].any() and mask[:, x0].any() and mask[:, x1 - 1].any()
            assert (scene.labels[mask] == entry.label).all()
            assert (PERSON, BIKE, CAR)[kind] == entry.label
            assert 0.25 <= entry.visible_share <= 1.0


@pytest.mark.parametrize("label", range(1, len(LABELS)), ids=LABELS[1:])
def test_every_class_has_objects_that_only_one_camera_sees(contrasts, label):
    rows = [row for row in contrasts if row[0] == label]
    only_infrared = [vis < UNSEEN and ir > SEEN for _, _, vis, ir, _ in rows]
    only_visible = [ir < UNSEEN and vis > SEEN for _, _, vis, ir, _ in rows]
    # Measured over 400 scenes: every class has 21 % or more of either; over these 120, 15 % or more.
    assert np.mean(only_infrared) > 0.12 and np.mean(only_visible) > 0.12


def test_each_camera_alone_misses_a_third_and_both_together_next_to_nothing(contrasts):
    vis, ir, mean = np.array([row[2:] for row in contrasts]).T
    assert 0.22 < (vis < UNSEEN).mean() < 0.45
    assert 0.22 < (ir < UNSEEN).mean() < 0.45
    assert ((vis < UNSEEN) & (ir < UNSEEN)).mean() < 0.04
    # A plain mean of the two pictures halves every contrast, and still shows more than either.
    assert (mean < 0.5 * UNSEEN).mean() < 0.14


def test_hidden_objects_leave_no_trace_in_the_view_that_misses_them(contrasts):
    for column, name in ((2, "visible"), (3, "infrared")):
        hidden = np.median([row[column] for row in contrasts if row[1] == name and row[0] != CURVE])
        shown = np.median([row[column] for row in contrasts if row[1] != name and row[0] != CURVE])
        assert hidden < 7 and shown > 4 * hidden


def test_infrared_sees_no_paint(scenes):
    """Where a line is hidden from the thermal camera, its pixels are as warm as the asphalt beside them."""
    differences = []
    for scene in scenes:
        for entry in scene.objects:
            if entry.label == CURVE and entry.hidden == "infrared":
                mask = scene.instances == entry.instance
                beside = _grown(mask, 2) & (scene.labels == 0)
                differences.append(scene.ir[mask].mean() - scene.ir[beside].mean())
    assert len(differences) > 10 and np.median(np.abs(differences)) < 4


def test_night_is_darker_than_dusk_and_dusk_than_day(scenes):
    mean = {group: np.mean([s.vis[60:].mean() for s in scenes if s.group == group]) for group in GROUPS}
    assert mean["night"] < 0.75 * mean["dusk"] and mean["dusk"] < 0.75 * mean["day"]


def test_figure_covers_the_area_that_geometry_gives():
    figure = Figure()
    figure.limb((0, 5), (0, 5), 3.0, color=(0.5, 0.5, 0.5), temperature=20.0)
    figure.panel([(5, 0), (5, 4), (11, 4), (11, 0)], color=(0.5, 0.5, 0.5), temperature=20.0)
    x = (np.arange(400) + 0.5) / 20 - 5
    inside = (figure.distances(x, x) < 0).sum((1, 2)) / 400
    np.testing.assert_allclose(inside, (np.pi * 9, 24.0), rtol=0.01)


def test_nearer_figure_hides_the_farther_and_takes_over_its_pixels():
    canvas = Canvas(120, 160, (0.0, 0.0))
    figure = Figure()
    figure.panel([(-10, 0), (10, 0), (10, 20), (-10, 20)], color=(0.5, 0.5, 0.5), temperature=20.0)
    areas = [canvas.paint(figure, x, 80, 1.0, depth=9, label=n, instance=n) for n, x in ((1, 60), (2, 70))]
    assert areas == [400, 400]
    assert (canvas.instance == 1).sum() == 200 and (canvas.instance == 2).sum() == 400


def test_low_emissivity_mirrors_the_cold_sky():
    climate = Climate(time=2, air=10.0, sun=0.0, clear=15.0)
    steel, e = climate.temperature("steel"), MATERIALS["steel"].emissivity
    assert steel == pytest.approx(e * 10.0 + (1 - e) * -5.0)
    assert steel < climate.temperature("asphalt")


def test_blur_keeps_the_mean_and_spreads_by_its_sigma():
    spike = np.zeros((1, 41, 41), np.float32)
    spike[0, 20, 20] = 1.0
    out = blur(spike, 1.5)[0]
    at = np.arange(41) - 20.0
    assert out.sum() == pytest.approx(1.0, abs=1e-5)
    assert (out.sum(0) * at**2).sum() == pytest.approx(1.5**2, rel=0.08)


def test_noise_is_periodic_and_exact_at_its_nodes():
    tile = noise_tile(1.4)
    u, v = np.meshgrid(np.arange(-3.0, 300.0, 7.0), np.arange(0.0, 512.0, 31.0))
    np.testing.assert_allclose(sample(tile, u, v), tile[v.astype(int) % 256, u.astype(int) % 256], atol=1e-6)
    assert tile.mean() == pytest.approx(0, abs=1e-3) and tile.std() == pytest.approx(1, abs=1e-3)
