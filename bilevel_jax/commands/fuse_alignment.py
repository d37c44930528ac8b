"""The flags of bilevel-fuse that move the infrared images: --align, --transform, --align_on and --untrusted."""

from pathlib import Path
from typing import NamedTuple

from absl import flags

from bilevel_jax.errors import InputError
from bilevel_jax.inference.pair_placement import DEFAULT_UNTRUSTED, UNTRUSTED, AlignmentChoice
from bilevel_jax.inference.pairing import FilePairs
from bilevel_jax.inference.rig_files import rig_of_files
from bilevel_jax.registration import KINDS, NO_ALIGNMENT, Transform, read_transform, write_transform
from bilevel_jax.registration.fits import check_opencv

DEFAULT_ALIGN_ON = 10  # pairs from which the file --transform is made

Range = tuple[float, float] | None


def define_alignment_flags(values: flags.FlagValues) -> None:
    """Defines the flags."""
    kinds = "; ".join(f"{name}: {kind.help}" for name, kind in KINDS.items())
    flags.DEFINE_enum(
        "align",
        NO_ALIGNMENT,
        [NO_ALIGNMENT, *KINDS],
        "moves each infrared image onto its visible image, whose size it takes; where it has no data the fused picture "
        f"shows the visible image. {kinds}",
        flag_values=values,
    )
    flags.DEFINE_string(
        "transform",
        None,
        "FILE.json with the transform of two cameras that are fixed to each other. If the file exists, it moves all "
        "infrared images; otherwise it is made by --align and --align_on, and used",
        flag_values=values,
    )
    flags.DEFINE_integer(
        "align_on",
        None,
        "estimates one transform from the first so many pairs and moves all infrared images by it (default: each pair "
        f"has its own, or with --transform the first {DEFAULT_ALIGN_ON} pairs make one). A video always has one, "
        "from so many frames that are spread over it",
        lower_bound=1,
        flag_values=values,
    )
    outcomes = "; ".join(f"{name}: the pair {outcome}" for name, outcome in UNTRUSTED.items())
    flags.DEFINE_enum(
        "untrusted",
        None,
        list(UNTRUSTED),
        f"what becomes of a pair whose own alignment is not trusted, or of a video (default: {DEFAULT_UNTRUSTED}). "
        f"{outcomes}",
        flag_values=values,
    )


def alignment_of(
    values: flags.FlagValues, pairs: FilePairs, infrared_range: Range, visible_range: Range
) -> AlignmentChoice | None:
    """Returns what the flags ask for; a transform of all pairs is read, or estimated and saved. None = no alignment.

    Raises:
        InputError: the flags contradict each other, the file is no transform, or no pair could be aligned with trust.
    """
    once = values.transform is not None or values.align_on is not None
    if values.untrusted is not None and (once or values.align == NO_ALIGNMENT):
        raise InputError(
            f"--untrusted={values.untrusted} is for pairs that are aligned one by one; expected --align, and neither "
            "--transform nor --align_on."
        )
    if once:
        transform = _one_transform(values, pairs, infrared_range, visible_range)
        return AlignmentChoice(transform.kind, transform)
    if values.align == NO_ALIGNMENT:
        return None
    check_opencv()
    return AlignmentChoice(values.align, None, values.untrusted or DEFAULT_UNTRUSTED)


class VideoAlignment(NamedTuple):
    """What the flags ask for where a video is fused.

    Fields:
        choice: what moves the infrared frames; None = nothing does.
        transform_file: the file that receives the estimated transform; None = it is not kept.
    """

    choice: AlignmentChoice | None
    transform_file: Path | None = None


def alignment_of_video(values: flags.FlagValues) -> VideoAlignment:
    """Returns what the flags ask for; the transform of an existing file is read.

    Raises:
        InputError: the flags contradict each other, or the file is no transform.
    """
    known = _known_transform(values)
    if values.untrusted is not None and (known is not None or values.align == NO_ALIGNMENT):
        raise InputError(
            f"--untrusted={values.untrusted} is for videos that are aligned; expected --align, and no --transform that "
            "exists."
        )
    if known is not None:
        return VideoAlignment(AlignmentChoice(known.kind, known))
    if values.align == NO_ALIGNMENT:
        return VideoAlignment(None)
    path = None if values.transform is None else Path(values.transform)
    return VideoAlignment(AlignmentChoice(values.align, None, values.untrusted or DEFAULT_UNTRUSTED), path)


def _known_transform(values: flags.FlagValues) -> Transform | None:
    """The transform of the file --transform; None where one is to be estimated, or nothing is aligned."""
    path = None if values.transform is None else Path(values.transform)
    if path is not None and path.exists():
        transform = read_transform(path)
        if values.align not in (NO_ALIGNMENT, transform.kind):
            raise InputError(
                f"--align={values.align} was given, but {path} exists and holds a {transform.kind}; expected "
                f"--align={transform.kind}, or another --transform."
            )
        print(f"Moving the infrared images by the {transform.kind} of {path}", flush=True)
        return transform
    if values.align == NO_ALIGNMENT:
        if path is not None:
            raise InputError(f"{path} does not exist; expected the file of a transform, or --align to make it.")
        if values.align_on is not None:
            raise InputError(f"--align_on={values.align_on} needs --align with one of {', '.join(KINDS)}.")
    else:
        check_opencv()  # once, and not for each pair
    return None


def _one_transform(
    values: flags.FlagValues, pairs: FilePairs, infrared_range: Range, visible_range: Range
) -> Transform:
    known = _known_transform(values)
    if known is not None:
        return known
    count = min(values.align_on or DEFAULT_ALIGN_ON, len(pairs))
    rig = rig_of_files(pairs, count, values.align, infrared_range, visible_range)
    print(rig.line("images", f"{count} pair(s)"), flush=True)
    if values.transform is not None:
        write_transform(values.transform, rig.transform)
        print(f"Wrote {values.transform}", flush=True)
    return rig.transform
