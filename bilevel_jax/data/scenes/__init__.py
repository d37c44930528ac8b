"""The built-in synthetic RGB-T world: road scenes seen by a colour and by a thermal camera."""

from bilevel_jax.data.scenes.source import SceneSource, generate

__all__ = ["SceneSource", "generate"]
