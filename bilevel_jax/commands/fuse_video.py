"""What bilevel-fuse does where a flag names a video: the flags of videos, and the one call."""

from absl import flags

from bilevel_jax.commands.fuse_alignment import alignment_of_video
from bilevel_jax.errors import InputError
from bilevel_jax.inference.image_fuser import ImageFuser
from bilevel_jax.serving.video import CONTAINERS, VideoOptions, fuse_video, is_video_name, open_sources
from bilevel_jax.serving.video.film_placement import ALIGNED_FRAMES
from bilevel_jax.serving.video.fuse_video import describe
from bilevel_jax.serving.video.fused_frames import WHOLE_VIDEO

_WITHOUT_MEANING = ("recursive", "skip_existing", "pairs")  # flags of pictures


def define_video_flags(values: flags.FlagValues) -> None:
    """Adds the flags that only videos have."""
    numbers = {
        "offset": "videos: seconds that are added to the infrared times, positive where the infrared recording began "
        "later (default: both begin at the same moment)",
        "fps": "videos that are folders of numbered pictures: pictures a second (default: 25)",
    }
    for name, meaning in numbers.items():
        flags.DEFINE_float(name, None, meaning, flag_values=values)


def is_video(values: flags.FlagValues) -> bool:
    """Says whether an input or the output is a video; raises InputError where a flag of videos is given without one."""
    if any(is_video_name(values[name].value) for name in ("ir", "vis", "out")):
        return True
    for name in ("offset", "fps"):
        if values[name].value is not None:
            raise InputError(
                f"--{name} is given, but no video; expected --ir and --vis to be video files, or --out to end in one "
                f"of {', '.join(CONTAINERS)}."
            )
    return False


def fuse_video_command(
    fuser: ImageFuser | None,
    values: flags.FlagValues,
    exposure: str | float | None,
    infrared_range: tuple[float, float] | None,
    visible_range: tuple[float, float] | None,
) -> None:
    """Fuses the videos that the command line names, or describes them where there is no fuser.

    Raises:
        InputError: a flag of pictures is given, or as `fuse_video`.
    """
    for name in _WITHOUT_MEANING:
        if values[name].value:
            raise InputError(f"--{name} is for pictures, but a video is given; expected the command without it.")
    for name in ("ir", "vis"):
        if not values[name].value:
            raise InputError(f"--{name} is missing; expected --ir and --vis, two videos or two folders of pictures.")
    if fuser is None:
        for camera, source in zip(
            ("infrared", "visible"), open_sources(values.ir, values.vis, values.fps), strict=True
        ):
            print(f"{camera}: {describe(source)}")
        print("nothing was fused", flush=True)
        return
    if not values.out:
        raise InputError("--out is missing; expected a video file such as fused.mp4, or a folder for pictures.")
    aligned = alignment_of_video(values)
    options = VideoOptions(
        offset=values.offset or 0.0,
        fps=values.fps,
        resize=values.resize,
        infrared_range=infrared_range,
        visible_range=visible_range,
        exposure=WHOLE_VIDEO if exposure is None else exposure,
        alignment=aligned.choice,
        align_on=values.align_on or ALIGNED_FRAMES,
    )
    fuse_video(
        fuser, values.ir, values.vis, values.out, options, suffix=values.format, transform_file=aligned.transform_file
    )
