"""The infrared frame that is nearest in time belongs to a visible frame."""

from pathlib import Path

import numpy as np
import pytest

from bilevel_jax.errors import InputError
from bilevel_jax.serving.video.frame import Frame
from bilevel_jax.serving.video.matching import Matches, spread_pairs


class Times:
    """A source whose frames have these times and whose one pixel is their number."""

    def __init__(self, name: str, times: list[float], rate: float):
        self.path, self.rate, self.count, self.size = Path(name), rate, len(times), (1, 1)
        self.notes: list[str] = []
        self.video = None
        self._times = times

    def frames(self):
        for number, time in enumerate(self._times):
            yield Frame(time, np.full((1, 1, 1), number, np.uint8), self.path.name)

    def nearest(self, times):
        frames = list(self.frames())
        places = dict.fromkeys(int(np.argmin([abs(frame.time - time) for frame in frames])) for time in times)
        yield from (frames[place] for place in places)

    def sampled(self, count):
        return self.frames()

    def read_as_grey(self):
        pass


def test_every_visible_frame_gets_the_nearest_infrared_frame_of_another_rate():
    infrared, visible = Times("ir", list(np.arange(10) / 9), 9), Times("vis", list(np.arange(30) / 30), 30)
    pairs = list(Matches(infrared, visible))
    assert len(pairs) == 30
    for pair in pairs:
        distances = np.abs(np.arange(10) / 9 - pair.visible.time)
        assert abs(pair.infrared.time - pair.visible.time) == pytest.approx(distances.min())


def test_times_that_are_not_even_are_used_as_they_are():
    infrared, visible = Times("ir", [0.0, 0.1, 0.9, 1.0], 4), Times("vis", [0.0, 0.52, 0.96, 1.0], 4)
    assert [int(pair.infrared.samples[0, 0, 0]) for pair in Matches(infrared, visible)] == [0, 2, 3, 3]


@pytest.mark.parametrize(("offset", "first", "last"), [(0.0, 0.0, 0.9), (0.5, 0.4, 0.9), (-0.5, 0.0, 0.5)])
def test_the_offset_moves_the_infrared_times_and_only_common_times_have_pairs(offset, first, last):
    infrared, visible = (Times(name, list(np.arange(10) / 10), 10) for name in ("ir", "vis"))
    matches = Matches(infrared, visible, offset)
    pairs = list(matches)
    # One frame more than the infrared camera saw is still taken at either end.
    assert pairs[0].visible.time == pytest.approx(first) and pairs[-1].visible.time == pytest.approx(last)
    assert bool(matches.notes) == (offset != 0)
    middle = pairs[len(pairs) // 2]
    assert middle.infrared.time + offset == pytest.approx(middle.visible.time)


def test_a_gap_in_the_infrared_video_is_told():
    matches = Matches(Times("ir", [0.0, 0.1, 1.9, 2.0], 2), Times("vis", list(np.arange(20) / 10), 10))
    assert len(list(matches)) == 20
    assert any("0.90 s apart" in note or "0.80 s apart" in note for note in matches.notes)


def test_videos_without_a_common_time_are_refused():
    infrared, visible = (Times(name, [0.0, 0.1], 10) for name in ("ir", "vis"))
    with pytest.raises(InputError, match="ir and vis have no time in common; expected another --offset"):
        list(Matches(infrared, visible, 5.0))


@pytest.mark.parametrize("offset", [0.0, 2.0, -2.0])
def test_pairs_to_measure_on_are_spread_over_the_common_time_and_are_the_ones_that_are_fused(offset):
    infrared, visible = Times("ir", list(np.arange(45) / 9), 9), Times("vis", list(np.arange(150) / 30), 30)
    fused = {pair.visible.time: pair.infrared.time for pair in Matches(infrared, visible, offset)}
    pairs = spread_pairs(infrared, visible, offset, 6)
    times = [pair.visible.time for pair in pairs]
    assert len(pairs) == 6 and np.ptp(times) > 0.6 * (5 - abs(offset))
    assert all(abs(pair.infrared.time - fused[pair.visible.time]) < 1e-9 for pair in pairs)


@pytest.mark.parametrize("offset", [60.0, -60.0])
def test_an_offset_beyond_the_end_is_refused_before_anything_is_decoded(offset):
    sources = [Times(name, list(np.arange(50) / 10), 10) for name in ("ir", "vis")]
    for source in sources:
        source.frames = lambda: pytest.fail("a frame was read")
    with pytest.raises(InputError, match="ir and vis have no time in common; expected another --offset"):
        spread_pairs(*sources, offset, 6)
