"""ImageNet weights of other packages: their names and layouts, converted to this package's parameters."""

from bilevel_jax.models.imported.backbone import Backbone, convert, start_from

__all__ = ["Backbone", "convert", "start_from"]
