"""Reading and writing image files: 8 and 16 bit; grey, colour, palette; a file comes or goes whole, or is refused."""

from bilevel_jax.images.files.decoding import decode_image, decode_indices, encoded_size
from bilevel_jax.images.files.file_notes import FileNote, FileNotes
from bilevel_jax.images.files.formats import IMAGE_FORMATS, IMAGE_SUFFIXES, written_suffixes
from bilevel_jax.images.files.metadata import Metadata, decode_metadata
from bilevel_jax.images.files.reading import (
    has_alpha,
    image_size,
    read_file,
    read_image,
    read_indices,
    read_metadata,
    read_pair_metadata,
)
from bilevel_jax.images.files.scaling import note_on_range, raw_range, scale_raw, to_float
from bilevel_jax.images.files.several_pictures import note_on_pictures
from bilevel_jax.images.files.visible_levels import (
    VisibleImage,
    VisibleWhite,
    decode_visible,
    read_visible,
    scale_visible,
    visible_white,
)
from bilevel_jax.images.files.writing import write_image

__all__ = [
    "IMAGE_FORMATS", "IMAGE_SUFFIXES", "FileNote", "FileNotes", "Metadata", "VisibleImage", "VisibleWhite",
    "decode_image", "decode_indices", "decode_metadata", "decode_visible", "encoded_size", "has_alpha", "image_size",
    "note_on_pictures", "note_on_range", "raw_range", "read_file", "read_image", "read_indices", "read_metadata",
    "read_pair_metadata", "read_visible", "scale_raw", "scale_visible", "to_float", "visible_white", "write_image",
    "written_suffixes",
]  # fmt: skip
