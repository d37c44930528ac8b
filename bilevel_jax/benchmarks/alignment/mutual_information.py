"""The usual method, for comparison: mutual information (Mattes et al. 2003) with SimpleITK."""

import importlib.util
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Bool, Float32, Float64, Shaped

from bilevel_jax.errors import InputError
from bilevel_jax.registration import Transform
from bilevel_jax.registration.working_pair import working_pair

if TYPE_CHECKING:
    import SimpleITK

SIDE = 256  # pixels of the longer side of the images
_BINS = 32
_STEPS = 60  # of a level, at most
_LEVELS = ((2, 1.0), (1, 0.0))  # (shrink factor, pixels of smoothing), coarse to fine; a third level was worse


def similarity(infrared: Shaped[np.ndarray, "H W *c"], visible: Shaped[np.ndarray, "h w *d"]) -> Transform:
    """Estimates a similarity from frame on frame, coarse to fine.

    Args:
        infrared, visible: as `registration.align` takes them.

    Raises:
        InputError: SimpleITK is not installed.
    """
    if importlib.util.find_spec("SimpleITK") is None:
        raise InputError("Mutual information needs the package SimpleITK; install it with pip install SimpleITK.")
    import SimpleITK as sitk

    pair = working_pair(infrared, visible, SIDE)
    height, width = pair.visible.shape
    method = sitk.ImageRegistrationMethod()
    method.SetNumberOfThreads(1)  # threads would sum in another order each time
    method.SetMetricAsMattesMutualInformation(_BINS)
    method.SetMetricSamplingStrategy(method.NONE)
    method.SetMetricFixedMask(_image(pair.visible_picture))
    method.SetMetricMovingMask(_image(pair.infrared_picture))
    method.SetInterpolator(sitk.sitkLinear)
    method.SetOptimizerAsRegularStepGradientDescent(1.0, 0.02, _STEPS, relaxationFactor=0.6)
    method.SetOptimizerScalesFromPhysicalShift()
    method.SetShrinkFactorsPerLevel([factor for factor, _ in _LEVELS])
    method.SetSmoothingSigmasPerLevel([sigma for _, sigma in _LEVELS])
    change = sitk.Similarity2DTransform()
    change.SetCenter(((width - 1) / 2, (height - 1) / 2))
    change.SetTranslation((float(pair.start[0, 2]), float(pair.start[1, 2])))
    method.SetInitialTransform(change, inPlace=True)
    try:
        method.Execute(_image(pair.visible), _image(pair.infrared))
        matrix = _matrix(change)
    except RuntimeError:  # the images do not overlap enough
        matrix = pair.start
    return Transform("similarity", pair.to_full(matrix), pair.visible_size, pair.infrared_size)


def _matrix(change: "SimpleITK.Transform") -> Float64[np.ndarray, "3 3"]:
    points = np.array([change.TransformPoint(point) for point in ((0.0, 0.0), (1.0, 0.0), (0.0, 1.0))])
    matrix = np.eye(3)
    matrix[:2, 2] = points[0]
    matrix[:2, 0], matrix[:2, 1] = points[1] - points[0], points[2] - points[0]
    return matrix


def _image(array: Float32[np.ndarray, "h w"] | Bool[np.ndarray, "h w"]) -> "SimpleITK.Image":
    import SimpleITK as sitk

    return sitk.GetImageFromArray(array.astype(np.uint8) if array.dtype == bool else array)
