"""One transform for a folder of pairs, estimated from its first files."""

from itertools import islice

from tqdm import tqdm

from bilevel_jax.errors import InputError
from bilevel_jax.inference.pairing import FilePairs
from bilevel_jax.inference.read_pair import read_pair
from bilevel_jax.registration import RigAlignment, align, rig_alignment


def rig_of_files(
    pairs: FilePairs,
    count: int,
    kind: str,
    infrared_range: tuple[float, float] | None = None,
    visible_range: tuple[float, float] | None = None,
) -> RigAlignment:
    """Returns the transform of two cameras that are fixed to each other, from the first pairs of their files.

    Args:
        pairs: infrared and visible file of each pair.
        count: how many of them are read.
        kind: of the transform, one of `registration.KINDS`.
        infrared_range, visible_range: as `read_pair` takes them.

    Raises:
        InputError: a file cannot be read, the pairs differ in size, or none is aligned with trust.
    """
    alignments = []
    first = list(islice(pairs.values(), count))
    for infrared, visible in tqdm(first, desc="align", unit="pair", dynamic_ncols=True):
        pair = read_pair(infrared, visible, infrared_range, visible_range)
        try:
            alignments.append(align(pair.infrared, pair.visible, kind))
        except InputError as error:
            raise InputError(f"{infrared} and {visible}: {error}") from error
    return rig_alignment(alignments)
