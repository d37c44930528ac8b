"""The further data sets that `config.data.mix` names, beside a run's own."""

from collections.abc import Sequence
from pathlib import Path

from ml_collections import ConfigDict

from bilevel_jax.data.folder_splits import keep_lists, name_own_lists
from bilevel_jax.data.sets import Sets, TrainingSet, open_training_set
from bilevel_jax.data.sources.mixed import MixedSource, Part
from bilevel_jax.data.splits import HeldOut
from bilevel_jax.errors import InputError

# What may stand as fourth value of an entry of `config.mix`: the set's images alone, boxes of some classes, or label
# maps without boxes.
IMAGES, PARTIAL, LABELS = "images", "partial", "labels"
KEPT = "mixed"  # the part of a run's folder that keeps the lists of the folders that it mixes in


def add_mixture(config: ConfigDict, sets: Sets, seed: int, run: Path | None = None) -> Sets:
    """Adds the data sets of `config.mix` to a training source; the held-out sources stay what they are.

    Each set is divided as if it were the run's own, at its own root, and its training pairs are dealt out to the inner
    and the outer part by themselves. Neither its val nor its test is trained on.

    Args:
        config: the `data` part of a run's configuration.
        sets: the run's own data, from `open_sets`; it has the weight 1 and decides on the classes. If it has no label
            maps, the first set that is taken for its label maps decides on the label classes.
        seed: which built-in scenes.
        run: the folder of a run. The lists of the mixed-in folders that `keep_all_lists` has left there are taken.

    Raises:
        InputError: as `open_sets` and `MixedSource`.
    """
    if not len(config.mix):
        return sets
    parts, inner, outer = [Part(config.root or config.name, sets.train)], [sets.inner], [sets.outer]
    mixed_held_out: dict[str, HeldOut] = {}
    for (name, root, weight, *how), place in zip(config.mix, kept_places(config), strict=True):
        other = open_mixed_set(config, name, root, seed, None if run is None else run / place)
        if other.held_out is not None:
            mixed_held_out[place] = other.held_out
        labelled, partial, labels_alone = how != [IMAGES], how == [PARTIAL], how == [LABELS]
        parts.append(Part(root or name, other.train, weight, labelled, partial, labels_alone))
        inner.append(other.inner)
        outer.append(other.outer)
    mixed = MixedSource(parts)
    return sets._replace(train=mixed, inner=mixed.join(inner), outer=mixed.join(outer), mixed_held_out=mixed_held_out)


def kept_places(config: ConfigDict) -> list[str]:
    """Returns where in its folder a run keeps the lists of each set of `config.mix`: mixed/NAME.

    NAME is that of the set's folder, so that the lists are found if the folder is moved or the mixture gets another
    order. Another folder of the same name has a number after it.
    """
    places: dict[Path, str] = {}
    for name, root, *_ in config.mix:
        folder = Path(root or name).absolute()
        if folder not in places:
            number = 1 + sum(other.name == folder.name for other in places)
            places[folder] = f"{KEPT}/{folder.name}" + (f"-{number}" if number > 1 else "")
    return [places[Path(root or name).absolute()] for name, root, *_ in config.mix]


def keep_all_lists(sets: Sets, folder: Path) -> str:
    """Keeps the lists of the folders without a training list with the run that is trained on them, as `keep_lists`.

    Args:
        sets: the run's data, with what `add_mixture` added.
        folder: the run's folder; it receives the lists of the run's own set, and mixed/NAME/ those of the others.

    Returns:
        Sentences for the user, one a line; "" where nothing is new.

    Raises:
        InputError: the folder cannot be written.
    """
    sentences = [keep_lists(held_out, folder / place) for place, held_out in sets.mixed_held_out.items()]
    # The run's own lists come last: where they are, the others are.
    sentences.insert(0, keep_lists(sets.held_out, folder))
    return "\n".join(filter(None, sentences))


def open_mixed_set(config: ConfigDict, name: str, root: str, seed: int, kept: Path | None = None) -> TrainingSet:
    """Opens the training pairs of one data set of `config.mix`.

    Args:
        config: the `data` part of a run's configuration.
        name, root: of the set.
        seed: which built-in scenes.
        kept: where a run keeps lists of the set, which then are taken; None = nowhere.

    Raises:
        InputError: as `open_training_set`.
    """
    own = config.copy_and_resolve_references()
    with own.unlocked():
        own.name, own.root, own.mix = name, root, ()
        # The names of splits, classes and lists are those of the run's own set.
        own.train_split = own.validation_split = own.test_split = ""
        own.classes = own.ignore_labels = ()
        name_own_lists(own)
    return open_training_set(own, seed, kept)


def check_mix(mix: Sequence[object], names: Sequence[str]) -> None:
    """Checks the form of `config.data.mix`: each entry is (name, root, weight) or (name, root, weight, HOW).

    HOW is "images", "partial" or "labels".

    Args:
        mix: the entries.
        names: the data sets that there are.

    Raises:
        InputError: for the first entry of another form, or with a name that is not in `names`.
    """
    for entry in mix:
        fields = tuple(entry) if isinstance(entry, (tuple, list)) else ()
        formed = len(fields) in (3, 4) and isinstance(fields[2], (int, float)) and fields[2] > 0
        if not formed or fields[0] not in names or fields[3:] not in ((), (IMAGES,), (PARTIAL,), (LABELS,)):
            raise InputError(
                f"config.data.mix has {entry!r}; expected (name, root, weight above 0), with 'images' after it to take "
                f"the set unlabelled, 'partial' where it marks some of the classes, or 'labels' to take its label maps "
                f"without its boxes; the name one of {', '.join(names)}."
            )
