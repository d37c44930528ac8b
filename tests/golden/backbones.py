"""Writes backbones.npz: names, shapes and features of torchvision's ResNets and Hugging Face's MiT-B0 and -B1.

Run it where torch 2.13, torchvision 0.28 and transformers 5 are installed (the tests need none of them):
    python tests/golden/backbones.py
Their weights are `synthetic`, made by numpy from names and shapes, so that a test can make the same ones.
"""

import json
import zlib
from pathlib import Path

import numpy as np

SIZE = (70, 101)  # odd: strides round up, and a Mix Transformer leaves out what fills no group
SAMPLES = 48  # of each feature map, evenly spread


def synthetic(shapes):
    """A state dict of the given shapes, {name: shape}: each array depends on its name and shape alone."""
    state = {}
    for name, shape in shapes.items():
        rng = np.random.default_rng(zlib.crc32(name.encode()))
        if name.endswith("num_batches_tracked"):
            state[name] = np.array(7)
        elif name.endswith("running_var") or (name.endswith("weight") and len(shape) == 1):
            state[name] = rng.uniform(0.5, 1.5, shape).astype(np.float32)
        elif len(shape) > 1:
            state[name] = (rng.normal(size=shape) * np.prod(shape[1:]) ** -0.5).astype(np.float32)
        else:
            state[name] = (0.1 * rng.normal(size=shape)).astype(np.float32)
    return state


def picture():
    """float32 [1, H, W, 3] in [0, 1]."""
    return np.random.default_rng(5).uniform(size=(1, *SIZE, 3)).astype(np.float32)


def sampled(features):
    """[stages, SAMPLES] of feature maps [1, H, W, C]."""
    maps = [np.asarray(feature).reshape(-1) for feature in features]
    return np.stack([values[np.linspace(0, len(values) - 1, SAMPLES).astype(int)] for values in maps])


def main():
    import torch
    import torchvision
    from transformers import SegformerConfig, SegformerForSemanticSegmentation
    from transformers.core_model_loading import revert_weight_conversion

    mean, std = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    standardised = torch.tensor(((picture() - mean) / std).transpose(0, 3, 1, 2), dtype=torch.float32)
    found = {}

    def keep(name, shapes, features):
        found[f"{name}/shapes"] = np.array(json.dumps({key: list(shape) for key, shape in shapes.items()}))
        found[name] = sampled([f.detach().numpy().transpose(0, 2, 3, 1) for f in features])

    for depth in (18, 50):
        model = getattr(torchvision.models, f"resnet{depth}")()
        shapes = {key: tuple(array.shape) for key, array in model.state_dict().items()}
        model.load_state_dict({key: torch.tensor(array) for key, array in synthetic(shapes).items()})
        model.eval()
        x = model.maxpool(model.relu(model.bn1(model.conv1(standardised))))
        features = []
        for layer in (model.layer1, model.layer2, model.layer3, model.layer4):
            x = layer(x)
            features.append(x)
        keep(f"resnet{depth}", shapes, features)
    for variant, widths in {"b0": [32, 64, 160, 256], "b1": [64, 128, 320, 512]}.items():
        model = SegformerForSemanticSegmentation(SegformerConfig(hidden_sizes=widths, num_labels=5)).eval()
        # In memory the modules have other names than in all files, so the weights go through a file.
        written = revert_weight_conversion(model, model.state_dict())
        shapes = {key: tuple(array.shape) for key, array in written.items()}
        weights = {key: torch.tensor(array) for key, array in synthetic(shapes).items()}
        model, information = type(model).from_pretrained(
            None, config=model.config, state_dict=weights, output_loading_info=True
        )
        assert not any(information.values()), information
        features = model.eval().segformer(standardised, output_hidden_states=True).hidden_states
        keep(f"mit_{variant}", shapes, features)
    np.savez_compressed(Path(__file__).with_suffix(".npz"), **found)


if __name__ == "__main__":
    main()
