"""Methods whose fused images are measured: rules, weights of the package, the cameras alone, folders of images."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple, cast

import numpy as np
from jaxtyping import Shaped, UInt

from bilevel_jax.data.pair_size import check_size
from bilevel_jax.data.sources.source import Sample
from bilevel_jax.evaluation.appearance.pair_set import PairSet, SourcePair
from bilevel_jax.evaluation.inputs import SWITCH, SWITCH_BY_NIGHT, input_image
from bilevel_jax.evaluation.leaderboard.image_scores import fused_files
from bilevel_jax.images.files import read_image
from bilevel_jax.inference.fuser import Fuser as NetworkFuser
from bilevel_jax.inference.image_fuser import ImageFuser
from bilevel_jax.inference.method_names import EXPOSED
from bilevel_jax.inference.named_fuser import named_fuser

CAMERAS = {"ir": "ir", f"ir+{EXPOSED}": f"ir+{EXPOSED}", "vis": "vis", "vi": "vis"}
Image = Shaped[np.ndarray, "h w c"]
Fuser = Callable[[Image, Image], Image]


class Method(NamedTuple):
    """One method. It has a `fuse`, or `files`, or both.

    Attributes:
        name: of its row.
        fuse: function of the infrared and the visible image; None = only the images are known.
        files: name of a pair -> file of its fused image; None = the images are made by `fuse`.
        by_night: what fuses pairs by night; None = `fuse` as well.
        exposed_as: function of an infrared image, which returns a `fuse` with the exposure that was measured on that
            image; None = the method measures no exposure that could be kept.
    """

    name: str
    fuse: Fuser | None = None
    files: Mapping[str, Path] | None = None
    by_night: Fuser | None = None
    exposed_as: Callable[[Image], Fuser] | None = None

    def at(self, light: str) -> Fuser | None:
        """What fuses pairs by "day" or by "night"; None = only the images are known."""
        return self.by_night if light == "night" and self.by_night is not None else self.fuse

    def image(self, name: str, pair: SourcePair, light: str) -> UInt[np.ndarray, "h w c"]:
        """The fused image of a pair by "day" or by "night".

        Raises:
            InputError: the file is damaged, or has another size than the pair.
        """
        if self.files is not None:
            fused = read_image(self.files[name])
            check_size(self.files[name], fused.shape[:2], "its pair", pair.infrared.shape[:2])
            return fused
        fuse = self.at(light)
        assert fuse is not None
        return fuse(pair.infrared, pair.visible)


def named_method(name: str) -> Method:
    """The method of a name.

    Args:
        name: "ir" (in grey, or "ir+exposed"), "vis" (or "vi"), "switch" (`evaluation.inputs`), or what `named_fuser`
            takes.

    Raises:
        InputError: as `named_fuser`.
    """
    if name == SWITCH:
        return Method(name, named_method("vis").fuse, by_night=named_method(SWITCH_BY_NIGHT).fuse)
    if name in CAMERAS:
        return Method(name, lambda infrared, visible: input_image(CAMERAS[name], _sample(infrared, visible), None))
    return fuser_method(name, named_fuser(name))


def fuser_method(name: str, fuser: ImageFuser) -> Method:
    """The method that fuses every pair with a fuser."""

    def exposed_as(infrared: Image) -> Fuser:
        return partial(fuser.fuse, exposure=fuser.exposure_of(infrared))

    return Method(name, fuser.fuse, exposed_as=exposed_as if fuser.exposure > 1 else None)


def methods_of_all_sets(texts: Sequence[str]) -> dict[str, Method]:
    """Those methods of a flag that are the same for every set, by their texts: names, and NAME=RUN.

    RUN is the folder of a training run, whose network fuses. NAME=FOLDER with images is left to `method_of_set`.

    Raises:
        InputError: as `named_method` and `Fuser.from_workdir`.
    """
    found = {}
    for text in texts:
        name, is_folder, folder = text.partition("=")
        if not is_folder:
            found[text] = named_method(text)
        elif (Path(folder) / "config.json").is_file():
            found[text] = fuser_method(name, NetworkFuser.from_workdir(folder))
    return found


def method_of_set(text: str, common: Mapping[str, Method], pairs: PairSet) -> Method:
    """The method of one text of a flag for one set.

    Args:
        text: a name, NAME=RUN or NAME=FOLDER.
        common: what `methods_of_all_sets` returns.
        pairs: the set.

    Raises:
        InputError: as `folder_method`.
    """
    if text in common:
        return common[text]
    name, _, folder = text.partition("=")
    return folder_method(name, folder_of_set(Path(folder), pairs.name), pairs)


def folder_method(name: str, folder: Path, pairs: PairSet, fuser: ImageFuser | None = None) -> Method:
    """A method whose images lie in a folder, in which the scores of a leaderboard are read as well.

    Args:
        name: of the method.
        folder: holds the images by the names of the pairs.
        pairs: the set.
        fuser: has made the images; None = it is not known.

    Raises:
        InputError: there is no such folder, or it lacks an image of the set.
    """
    method = Method(name) if fuser is None else fuser_method(name, fuser)
    return method._replace(files=fused_files(name, folder, pairs.names))


def folder_of_set(folder: Path, set_name: str) -> Path:
    """The first of FOLDER/SET/SPLIT, FOLDER/SET and FOLDER that exists, where the set is called SET/SPLIT or SET."""
    places = [folder / set_name, folder / set_name.partition("/")[0], folder]
    return next((place for place in places if place.is_dir()), folder)


def _sample(infrared: Image, visible: Image) -> Sample:
    # The images are all that `input_image` reads.
    return cast(Sample, {"ir": infrared, "vis": visible})
