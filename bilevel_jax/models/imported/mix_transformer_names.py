"""The names of a Mix Transformer's modules in NVlabs' release and in Hugging Face's files."""

from collections.abc import Iterable, Mapping

import numpy as np

from bilevel_jax.models.backbones.mix_transformer import VARIANTS
from bilevel_jax.models.imported.sources import Source

# Our module of a block -> (module of NVlabs' release, module of Hugging Face's port).
IN_A_BLOCK = {
    "norm0": (Source("norm1"), Source("layer_norm_1")),
    "attention/query": (Source("attn.q"), Source("attention.self.query")),
    "attention/key": (Source("attn.kv", 0, 2), Source("attention.self.key")),
    "attention/value": (Source("attn.kv", 1, 2), Source("attention.self.value")),
    "attention/reduce": (Source("attn.sr"), Source("attention.self.sr")),
    "attention/reduce_norm": (Source("attn.norm"), Source("attention.self.layer_norm")),
    "attention/project": (Source("attn.proj"), Source("attention.output.dense")),
    "norm1": (Source("norm2"), Source("layer_norm_2")),
    "mlp/expand": (Source("mlp.fc1"), Source("mlp.dense1")),
    "mlp/depthwise": (Source("mlp.dwconv.dwconv"), Source("mlp.dwconv.dwconv")),
    "mlp/contract": (Source("mlp.fc2"), Source("mlp.dense2")),
}


def mix_transformer_variant(state: Mapping[str, np.ndarray]) -> str | None:
    """Returns the variant with the state dict's number of blocks and channels, or None for other names or sizes."""
    for embed, block in (
        ("patch_embed1.proj.bias", "block{0}.{2}.norm1.weight"),
        ("encoder.patch_embeddings.0.proj.bias", "encoder.block.{1}.{2}.layer_norm_1.weight"),
    ):
        found = tuple(sum(block.format(s + 1, s, i) in state for i in range(64)) for s in range(4))
        for name, variant in VARIANTS.items():
            if found == variant.blocks and embed in state and np.shape(state[embed]) == variant.widths[:1]:
                return name
    return None


def mix_transformer_sources(variant: str, keys: Iterable[str]) -> dict[str, Source]:
    """Returns our module -> the foreign module, in the naming (NVlabs' or Hugging Face's) that `keys` have."""
    port = any(key.startswith("encoder.") for key in keys)
    sources = {}
    for stage, blocks in enumerate(VARIANTS[variant].blocks):
        embed = f"encoder.patch_embeddings.{stage}" if port else f"patch_embed{stage + 1}"
        sources[f"embed{stage}/proj"] = Source(f"{embed}.proj")
        sources[f"embed{stage}/norm"] = Source(f"{embed}.layer_norm" if port else f"{embed}.norm")
        sources[f"stage{stage}_norm"] = Source(f"encoder.layer_norm.{stage}" if port else f"norm{stage + 1}")
        for index in range(blocks):
            block = f"encoder.block.{stage}.{index}" if port else f"block{stage + 1}.{index}"
            for ours, theirs in IN_A_BLOCK.items():
                source = theirs[port]
                sources[f"stage{stage}_block{index}/{ours}"] = source._replace(module=f"{block}.{source.module}")
    return sources
