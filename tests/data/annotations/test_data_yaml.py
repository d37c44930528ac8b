"""Ultralytics' data.yaml: the forms that class names have there, and what is refused."""

import pytest

from bilevel_jax.data.annotations.class_names import find_class_names
from bilevel_jax.data.annotations.data_yaml import find_data_yaml, read_data_yaml
from bilevel_jax.errors import InputError


def written(tmp_path, text, name="data.yaml"):
    (tmp_path / name).write_text(text)
    return tmp_path / name


@pytest.mark.parametrize(
    "names",
    [
        "names: [person, 'traffic light', no]",
        "names:\n  - person\n  - traffic light\n  - no\nnc: 3",
        "names:\n  0: person\n  1: traffic light\n  2: no\n",
        "names: {2: no, 0: person, 1: traffic light}",
    ],
)
def test_all_forms_of_class_names(tmp_path, names):
    # YAML itself reads `no` as a truth value.
    assert read_data_yaml(written(tmp_path, names)).names == ("person", "traffic light", "no")


def test_splits_are_folders_or_lists_of_folders(tmp_path):
    found = read_data_yaml(written(tmp_path, "names: [a]\ntrain: [x/train, y/train]\nval: ../valid/images\ntest:\n"))
    assert found.splits == {"train": ("x/train", "y/train"), "val": ("../valid/images",)}
    assert read_data_yaml(written(tmp_path, "names: [a]\nvalid: v\n")).splits == {"val": ("v",)}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("train: x", "has no names, expected the names of the classes"),
        ("- a\n- b", "has no names"),
        ("names: [a, b]\nnc: 3", "has nc: 3 and 2 names, expected one name for each class"),
        ("names: {0: a, 2: b}", "numbers its names 0, 2, expected 0 to 1"),
        ("names: [a, b, a]", "has the class name 'a' twice"),
        ("names: [a, [b]]", "has names that are no text"),
        ("names: [a\n: {", "is not YAML"),
        ("names: [a]\nkpt_shape: [17, 3]", r"describes keypoints \(kpt_shape\), which are not read"),
    ],
)
def test_what_is_no_data_yaml_is_one_sentence(tmp_path, text, sentence):
    with pytest.raises(InputError, match=rf"data\.yaml {sentence}") as raised:
        read_data_yaml(written(tmp_path, text))
    assert str(raised.value).endswith((".", ").")) and "\n" not in str(raised.value)


def test_which_file_of_a_folder_it_is(tmp_path):
    assert find_data_yaml(tmp_path) is None
    other = written(tmp_path, "names: [a]", "M3FD.yaml")
    assert find_data_yaml(tmp_path) == other and find_data_yaml(tmp_path, by_content=False) is None
    named = written(tmp_path, "names: [b]", "dataset.yml")
    assert find_data_yaml(tmp_path) == named
    named.unlink()
    other.write_text("learning_rate: 3\n")
    assert find_data_yaml(tmp_path) is None


def test_two_files_of_class_names_must_agree(tmp_path):
    (tmp_path / "inner").mkdir()
    assert find_class_names(tmp_path, tmp_path / "inner") == ()
    written(tmp_path, "names: [person, car]")
    assert find_class_names(tmp_path / "inner", tmp_path) == ("person", "car")
    (tmp_path / "classes.txt").write_text("person\ncar\n")
    assert find_class_names(tmp_path) == ("person", "car")
    (tmp_path / "classes.txt").write_text("car\nperson\n")
    with pytest.raises(InputError, match=r"classes\.txt names the classes car, person and .*data\.yaml names person, "):
        find_class_names(tmp_path)
