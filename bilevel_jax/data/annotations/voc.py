"""Pascal VOC annotation files (XML), read without ever expanding an entity."""

from pathlib import Path
from xml.etree import ElementTree
from xml.parsers import expat

from bilevel_jax.data.annotations.check_boxes import Boxes, clip_to_image
from bilevel_jax.errors import InputError
from bilevel_jax.images.files import read_file

# An annotation of some hundred objects has 100 kB and five levels.
MAX_BYTES = 16 << 20
MAX_DEPTH = 32


def parse_xml(data: bytes, where: str | Path) -> ElementTree.Element:
    """Parses an XML file's bytes; `where` names it in messages.

    A declaration of an entity is refused as it comes, before it could be expanded ("billion laughs") or fetched.

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
    """Reads the objects of a VOC annotation of an image of this size.

    A box is `xmin ymin xmax ymax` (both ends inside the box) or KAIST's `x y w h`.

    Args:
        path: the XML file.
        height: of the image in pixels, and so `width`.
        one_based: the first pixel is 1, as VOC has it.
        check_size: the size that the file says must be the image's.

    Raises:
        InputError: the file is damaged, an object has no name or no box, or a box lies far outside.
    """
    root = parse_xml(read_file(path), path)
    said = [_text(root, f"size/{side}") for side in ("width", "height")]
    if check_size and all(said) and said != [str(width), str(height)] and said != ["0", "0"]:
        raise InputError(f"{path} is for {' x '.join(said)[:40]} pixels, expected {width} x {height} as the image is.")
    boxes, names = [], []
    for number, element in enumerate(root.iter("object"), 1):
        where = f"{path}, object {number}"
        name = _text(element, "name")
        if not name:
            raise InputError(f"{where} has no name, expected that of a class.")
        corners = [_text(element, f"bndbox/{key}") for key in ("xmin", "ymin", "xmax", "ymax")]
        sides = [_text(element, f"bndbox/{key}") for key in ("x", "y", "w", "h")]
        try:
            if all(corners):
                x0, y0, x1, y1 = (float(text) for text in corners)
                x0, y0, x1, y1 = (x0 - 1, y0 - 1, x1, y1) if one_based else (x0, y0, x1 + 1, y1 + 1)
            else:
                x0, y0, w, h = (float(text) for text in sides)
                x1, y1 = x0 + w, y0 + h
        except ValueError as error:
            raise InputError(f"{where} has no box of four numbers, expected xmin ymin xmax ymax.") from error
        boxes.append((y0, x0, y1, x1))
        names.append(name)
    return clip_to_image(boxes, names, height, width, str(path))


def _text(element: ElementTree.Element, path: str) -> str:
    return (element.findtext(path) or "").strip()
