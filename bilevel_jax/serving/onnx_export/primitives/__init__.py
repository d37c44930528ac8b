"""One function for each operation of JAX: (graph, equation, inputs) -> outputs.

A new operation is one entry in the table of the file that it belongs to.
"""

from bilevel_jax.serving.onnx_export.primitives import elementwise, layout, places, products, reductions

PRIMITIVES = {
    **elementwise.TABLE,
    **layout.TABLE,
    **places.TABLE,
    **products.TABLE,
    **reductions.TABLE,
}
