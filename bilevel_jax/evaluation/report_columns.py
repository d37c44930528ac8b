"""What the columns of a report page are: direction, unit and definition of every measure that a table prints."""

from bilevel_jax.metrics import fusion
from bilevel_jax.report.html import Metric

# Papers print one name for different quantities; these are the ones that are computed here.
PAPER = {
    "EN": ("entropy of the fused image, 256 bins", "bit"),
    "SD": ("standard deviation of its grey levels", "grey levels"),
    "SF": ("spatial frequency: root of the mean squared differences of neighbouring pixels", "grey levels"),
    "AG": ("average gradient, central differences", "grey levels"),
    "MI": ("mutual information with infrared plus that with visible, 256 x 256 bins, log2", "bit"),
    "SCD": ("sum of the correlations of differences: corr(ir, fused - vis) + corr(vis, fused - ir)", ""),
    "VIF": ("visual information fidelity in the pixel domain, to infrared plus to visible", ""),
    "Qabf": ("edge preservation of Xydeas and Petrovic", ""),
    "SSIM": ("SSIM to infrared plus SSIM to visible: a sum, at most 2", ""),
    "CC": ("mean correlation with the two sources", ""),
    "PSNR": ("peak signal to noise ratio by the mean of the two squared errors", "dB"),
    "MS-SSIM": ("multi-scale SSIM to the two sources", ""),
    "Nabf": ("share of edges that neither source has", ""),
}
VIFB = {
    "Avg_gradient": "average gradient",
    "Cross_entropy": "log2, over the bins that are not empty in both; mean of the two sources",
    "Edge_intensity": "mean Sobel magnitude",
    "Entropy": "entropy, 256 bins, log2",
    "Mutinf": "mutual information of stretched images, natural log",
    "Psnr": "20 log10(255 / root of Rmse), with VIFB's Rmse",
    "Qabf": "edge preservation of Xydeas and Petrovic",
    "Qcb": "Chen and Blum's contrast that is kept",
    "Qcv": "Chen and Varshney's visible difference",
    "Rmse": "root of the sum of squared differences over the count of pixels: not a true RMSE",
    "Spatial_frequency": "spatial frequency of the channels side by side",
    "Ssim": "SSIM to the two sources: a sum, at most 2",
    "Variance": "standard deviation",
}
SEMANTIC = {
    "mIoU_occurring": "mean intersection over union of the classes that occur in the labels",
    "mIoU_all": "mean over all classes, background included, an absent class counting 0 (as MFNet's papers)",
    "mIoU_foreground": "mean over all classes but the background, an absent class counting 0",
    "AP": "COCO's average precision, mean over IoU 0.50 to 0.95",
    "AP50": "COCO's average precision at IoU 0.50",
    "AP75": "COCO's average precision at IoU 0.75",
    "AP50_voc": "average precision at IoU 0.50 as in Pascal VOC, all points",
}


def fusion_column(name: str, family: str = "paper") -> Metric:
    """The column of a fusion measure; `name` is a key of `metrics.fusion.FAMILIES[family]`."""
    better = "up" if fusion.FAMILIES[family][name].higher_is_better else "down"
    if family == "vifb":
        return Metric(name, better, "", f"VIFB, mean of the colour channels: {VIFB[name]}")
    description, unit = PAPER[name]
    # The short unit stands in the head of the column; grey levels would make each twice as wide.
    spoken = f"{description}, in grey levels" if unit == "grey levels" else description
    return Metric(name, better, "" if unit == "grey levels" else unit, spoken)


def semantic_column(name: str) -> Metric:
    """The column of a semantic figure in per cent; `name` as `metrics.segmentation` and `metrics.detection` give it."""
    measure, _, of_class = name.partition("/")
    measures = {"IoU": "intersection over union", "AP50": SEMANTIC["AP50"], "acc": "accuracy"}
    description = f"{measures.get(measure, measure)} of the class {of_class}" if of_class else SEMANTIC.get(name, "")
    return Metric(name, "up", "%", description, digits=1)
