"""Packaging of bilevel_jax: `pip install -e .`, with extras that the README and the documentation name."""

import re
from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).parent
VERSION = re.search(r'__version__ = "([^"]+)"', (HERE / "bilevel_jax" / "__init__.py").read_text())[1]
# Reading ONNX files as networks of JAX, running them as judges, and writing fusion networks as such.
JUDGE = ["onnx>=1.18", "onnxruntime>=1.20"]
# Aligning the two cameras.
ALIGN = ["opencv-python-headless>=4.10"]
# Reading and writing videos.
VIDEO = ["av>=16.0"]

setup(
    name="bilevel-jax",
    version=VERSION,
    description="Bilevel infrared-visible image fusion in JAX: first-order hypergradients and dynamic aggregation.",
    long_description=(HERE / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    license_files=["LICENSE"],
    python_requires=">=3.11",
    packages=find_packages(include=["bilevel_jax", "bilevel_jax.*"]),
    package_data={
        "bilevel_jax": ["py.typed"],
        "bilevel_jax.pretrained": ["*.safetensors", "*.md"],
        "bilevel_jax.report.html": ["*.css", "*.js"],
    },
    install_requires=[
        "jax>=0.9,!=0.10.2",  # before 0.8.2 no `jax.lax.pcast`; in 0.8.2 `forward` fails in shard_map
        "flax>=0.10",
        "optax>=0.2.5",
        "orbax-checkpoint>=0.11.25",
        "chex>=0.1.89",
        "tensorflow-datasets>=4.9.10",
        "grain>=0.2.10",
        "numpy>=2.0",
        "absl-py>=2.1",
        "ml-collections>=1.0",
        "pillow>=11.3",
        "pyyaml>=6.0",
        "imagecodecs>=2024.9.22",
        "tifffile>=2024.8",
        "matplotlib>=3.9",
        "tqdm>=4.66",
        "tensorboardX>=2.6.2",
        "pycocotools>=2.0.8",
        "scipy>=1.13",
        "safetensors>=0.5",
        "filelock>=3.30",
        "jaxtyping>=0.2.36",
    ],
    extras_require={
        "judge": JUDGE,
        "align": ALIGN,
        "cuda12": ["jax[cuda12]>=0.9,!=0.10.2"],
        "tpu": ["jax[tpu]>=0.9,!=0.10.2"],
        "test": [
            *JUDGE,
            *ALIGN,
            *VIDEO,
            "SimpleITK>=2.4",
            "pytest>=8.0",
            "pytest-xdist>=3.6",
            "hypothesis>=6.100",
            "scikit-image>=0.24",
            "scikit-learn>=1.5",
            "ruff>=0.6",
            "mypy>=1.13",
            "import-linter>=2.0",
            "selenium>=4.20",
        ],
        "page": ["gradio>=6.0"],
        "thermal": ["flyr>=5.0"],
        "video": VIDEO,
        "docs": ["sphinx>=8.2", "furo>=2025.9", "myst-nb>=1.3"],
    },
    entry_points={"console_scripts": ["bilevel-fuse=bilevel_jax.start:fuse"]},
    classifiers=[
        "Development Status :: 3 - Alpha",
        "Intended Audience :: Science/Research",
        "Programming Language :: Python :: 3.11",
        "Programming Language :: Python :: 3.12",
        "Programming Language :: Python :: 3.13",
        "Topic :: Scientific/Engineering :: Image Processing",
    ],
)
