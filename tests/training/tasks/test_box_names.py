"""The names at the boxes of a run's pictures."""

from bilevel_jax.training.config import task_block
from bilevel_jax.training.tasks import box_names


def test_boxes_have_the_names_of_the_data_or_of_the_network_that_needs_no_labels():
    taught = task_block(task="yolox", start="file.onnx", teacher="unlabelled", trainable=False)
    blocks = [task_block(task="segmentation"), task_block(task="detection"), taught]
    assert box_names(blocks, ("car",)) == ("car",)
    assert list(box_names(blocks, ())) == ["person", "bicycle", "car"]
    assert box_names(blocks[:2], ()) == ()
