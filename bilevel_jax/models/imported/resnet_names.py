"""torchvision's names of a ResNet's modules."""

from collections.abc import Iterable

from bilevel_jax.models.backbones.resnet import STAGES
from bilevel_jax.models.imported.sources import Source


def resnet_depth(keys: Iterable[str]) -> int | None:
    """Returns the depth of the torchvision ResNet that has these keys (10, 18 or 50), or None."""
    known = set(keys)
    per_block = 3 if "layer1.0.conv3.weight" in known else 2
    blocks = [sum(f"layer{stage}.{index}.conv1.weight" in known for index in range(64)) for stage in (1, 2, 3, 4)]
    for depth, own in STAGES.items():
        if tuple(blocks) == own and per_block == (3 if depth == 50 else 2):
            return depth
    return None


def resnet_sources(depth: int) -> dict[str, Source]:
    """Returns our module -> torchvision's module, for all convolutions and normalisations."""
    sources = {"stem": Source("conv1"), "stem_norm": Source("bn1")}
    for stage, blocks in enumerate(STAGES[depth]):
        for index in range(blocks):
            ours, theirs = f"stage{stage}_block{index}", f"layer{stage + 1}.{index}"
            for conv in range(3 if depth == 50 else 2):
                sources[f"{ours}/conv{conv}"] = Source(f"{theirs}.conv{conv + 1}")
                sources[f"{ours}/norm{conv}"] = Source(f"{theirs}.bn{conv + 1}")
            sources[f"{ours}/skip"] = Source(f"{theirs}.downsample.0")
            sources[f"{ours}/skip_norm"] = Source(f"{theirs}.downsample.1")
    return sources
