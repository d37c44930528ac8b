"""Pascal VOC annotation files (XML). The parser never expands an entity, so a hostile file cannot grow in memory."""

from pathlib import Path
from xml.etree import ElementTree
from xml.parsers import expat

from bilevel_jax.data.annotations.check_boxes import Box, Boxes, clip_to_image, four_numbers
from bilevel_jax.errors import InputError
from bilevel_jax.images.files import read_file

# An annotation of some hundred objects has 100 kB and five levels of elements.
MAX_BYTES = 16 << 20
MAX_DEPTH = 32


def parse_xml(data: bytes, where: str | Path) -> ElementTree.Element:
    """Parses the bytes of an XML file.

    A declaration of an entity is refused as soon as it is read, before the entity could be expanded ("billion laughs")
    or fetched.

    Args:
        data: the file's bytes.
        where: names the file in messages.

    Raises:
        InputError: it is not XML, declares an entity, is larger than 16 MiB, or nested deeper than 32 levels.
    """
    if len(data) > MAX_BYTES:
        raise InputError(f"{where} has {len(data)} bytes, expected an annotation of at most {MAX_BYTES}.")
    builder = ElementTree.TreeBuilder()
    depth = 0

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > MAX_DEPTH:
            raise InputError(f"{where} is nested deeper than {MAX_DEPTH} levels, expected a VOC annotation.")
        builder.start(name, attributes)

    def end(name: str) -> None:
        nonlocal depth
        depth -= 1
        builder.end(name)

    def refuse(name: str, *_: object) -> None:
        raise InputError(f"{where} declares the entity {name!r}, expected an annotation without entities.")

    parser = expat.ParserCreate()
    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler, parser.EntityDeclHandler = builder.data, refuse
    try:
        parser.Parse(data, True)
        return builder.close()
    except (expat.ExpatError, ValueError, LookupError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{where} is not XML ({error}), expected a VOC annotation.") from error


def read_voc(path: Path, height: int, width: int, one_based: bool = True, check_size: bool = True) -> Boxes:
    """Reads the boxes of an image.

    A box is `xmin ymin xmax ymax`, where both ends belong to the box, or KAIST's `x y w h`.

    Args:
        path: the XML file.
        height: of the image in pixels.
        width: of the image in pixels.
        one_based: the first pixel has the number 1, as in VOC.
        check_size: refuse a file that gives another image size.

    Raises:
        InputError: the file is damaged, an object has no name or no box, or a box is refused by `clip_to_image`.
    """
    root = parse_xml(read_file(path), path)
    if check_size:
        _check_size(root, path, height, width)
    boxes, names = [], []
    for number, element in enumerate(root.iter("object"), 1):
        where = f"{path}, object {number}"
        name = _text(element, "name")
        if not name:
            raise InputError(f"{where} has no name, expected that of a class.")
        boxes.append(_box(element, where, one_based))
        names.append(name)
    return clip_to_image(boxes, names, height, width, str(path))


def _check_size(root: ElementTree.Element, path: Path, height: int, width: int) -> None:
    said = [_text(root, f"size/{side}") for side in ("width", "height")]
    if all(said) and said != [str(width), str(height)] and said != ["0", "0"]:
        raise InputError(f"{path} is for {' x '.join(said)[:40]} pixels, expected {width} x {height} as the image is.")


def _box(element: ElementTree.Element, where: str, one_based: bool) -> Box:
    message = f"{where} has no box of four numbers, expected xmin ymin xmax ymax."
    corners = [_text(element, f"bndbox/{key}") for key in ("xmin", "ymin", "xmax", "ymax")]
    if all(corners):
        x0, y0, x1, y1 = four_numbers(corners, message)
        x0, y0, x1, y1 = (x0 - 1, y0 - 1, x1, y1) if one_based else (x0, y0, x1 + 1, y1 + 1)
    else:
        x0, y0, w, h = four_numbers([_text(element, f"bndbox/{key}") for key in ("x", "y", "w", "h")], message)
        x1, y1 = x0 + w, y0 + h
    return y0, x0, y1, x1


def _text(element: ElementTree.Element, path: str) -> str:
    return (element.findtext(path) or "").strip()
