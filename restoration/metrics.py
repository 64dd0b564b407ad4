"""The formulas: the contest's score, and standard metrics beside it.

Images are uint8, RGB (H, W, 3) or, where a formula reads luma only, gray (H, W); the truth and the
prediction have the same shape. A mask is bool (H, W), True where the photo was damaged; see `check`. Everything is
computed in float64.
"""

import cv2
import numpy as np
from skimage.metrics import structural_similarity

from restoration.color import luma
from restoration.errors import RestorationError

WINDOW = 7  # pixels, the side of SSIM's uniform window
HUES = 180  # OpenCV stores a hue in 8 bits as degrees / 2
CONTEST_WEIGHTS = 0.2, 0.4, 0.4  # of S, M and C


def check(truth: np.ndarray, prediction: np.ndarray, mask: np.ndarray | None = None) -> None:
    """Raise a RestorationError for input that the formulas cannot take."""
    for name, image in (("truth", truth), ("prediction", prediction)):
        if image.dtype != np.uint8:
            raise RestorationError(f"The {name} is {image.dtype}; pass uint8, 0 to 255.")
        if image.ndim not in (2, 3) or image.shape[2:] not in ((), (3,)) or image.size == 0:
            raise RestorationError(f"The {name} has shape {image.shape}; pass (H, W, 3) or (H, W).")
    if truth.shape != prediction.shape:
        raise RestorationError(f"The truth is {truth.shape} and the prediction {prediction.shape}; they must match.")
    if mask is not None and mask.dtype != bool:
        raise RestorationError(f"The mask is {mask.dtype}; pass it as bool, for example `mask > 127`.")
    if mask is not None and mask.shape != truth.shape[:2]:
        raise RestorationError(f"The mask has shape {mask.shape}; pass it in the photo's, {truth.shape[:2]}.")


def hole_ssim(truth: np.ndarray, prediction: np.ndarray, mask: np.ndarray) -> float:
    """Mean over the hole's pixels of the SSIM map of luma, data range 255; in [-1, 1], 1 = equal."""
    return hole_mean(ssim_map(luma(truth), luma(prediction)), mask)


def ssim_map(truth: np.ndarray, prediction: np.ndarray, data_range: float = 255.0) -> np.ndarray:
    """SSIM around each pixel (Wang et al. 2004), in [-1, 1], 1 = equal: float64 of the images' shape.

    scikit-image's `full`: uniform 7 x 7 window, sample covariance, mirrored borders.
    """
    height, width = truth.shape[:2]
    if min(height, width) < WINDOW:
        raise RestorationError(f"The photo is {width} x {height} pixels; SSIM needs {WINDOW} x {WINDOW} or more.")
    channels = -1 if truth.ndim == 3 else None
    return structural_similarity(truth, prediction, channel_axis=channels, data_range=data_range, full=True)[1]


def interior_mean(similarity: np.ndarray) -> float:
    """Mean of an SSIM map, over channels too, without the 3 pixels along its borders, whose windows reach outside."""
    border = WINDOW // 2
    return float(similarity[border:-border, border:-border].mean())


def hole_mean(similarity: np.ndarray, mask: np.ndarray) -> float:
    """Mean of a map, (H, W) or (H, W, C), over the hole's pixels."""
    return float(similarity[mask].mean())


def hole_psnr(truth: np.ndarray, prediction: np.ndarray, mask: np.ndarray) -> float:
    """10 log10(255^2 / MSE) in dB over the hole's luma; 0 or more, infinite for equal holes."""
    difference = luma(truth)[mask].astype(np.float64) - luma(prediction)[mask]
    error = np.mean(difference**2)
    return float(10 * np.log10(255**2 / error)) if error else float("inf")


def contest_score(s: float, m: float, c: float) -> float:
    """0.2 S + 0.4 M + 0.4 C, the score of DACON 236420; in [-1, 1], 1 = equal.

    Do not read it alone: a perfect photo without any color scored 0.588 on the contest's photos.
    """
    return float(np.dot(CONTEST_WEIGHTS, (s, m, c)))


def contest_s(truth: np.ndarray, prediction: np.ndarray) -> float:
    """The contest's S: mean SSIM of RGB, but with the prediction's own data range; in [-1, 1]."""
    return interior_mean(ssim_map(truth, prediction, _contest_range(prediction)))


def contest_m(truth: np.ndarray, prediction: np.ndarray, mask: np.ndarray) -> float:
    """The contest's M: one-dimensional SSIM over the row-major list of the hole's RGB pixels; in [-1, 1].

    Windows run over the list, not over the photo, and the data range is that of the whole prediction. It needs a
    hole of 7 pixels or more.
    """
    data_range = _contest_range(prediction)
    return float(structural_similarity(truth[mask], prediction[mask], channel_axis=-1, data_range=data_range))


def contest_c(truth: np.ndarray, prediction: np.ndarray) -> float:
    """The contest's C: correlation of two 180-bin hue histograms of the whole image; in [-1, 1].

    Saturation does not count: gray pixels count as red (hue 0).
    """
    return _correlation(*(_histogram(image, [0], [HUES], [0, HUES]) for image in (truth, prediction)))


def hsv_similarity(truth: np.ndarray, prediction: np.ndarray) -> float:
    """Correlation of two 30 x 32 hue-saturation histograms of the whole image (OpenCV's); in [-1, 1]."""
    return _correlation(*(_histogram(image, [0, 1], [30, 32], [0, HUES, 0, 256]) for image in (truth, prediction)))


def ab_mae(truth: np.ndarray, prediction: np.ndarray) -> float:
    """Mean absolute error of a and b of CIELAB over all pixels, in levels of OpenCV's 8-bit Lab; 0 = equal."""
    a, b = (cv2.cvtColor(image, cv2.COLOR_RGB2LAB)[..., 1:].astype(np.float64) for image in (truth, prediction))
    return float(np.abs(a - b).mean())


def colorfulness(image: np.ndarray) -> float:
    """Colorfulness of one RGB image, 0 = gray, over 80 vivid (Hasler and Süsstrunk 2003, M3)."""
    r, g, b = (image[..., i].astype(np.float64) for i in range(3))
    red_green, yellow_blue = r - g, (r + g) / 2 - b
    spread = np.hypot(red_green.std(), yellow_blue.std())
    return float(spread + 0.3 * np.hypot(red_green.mean(), yellow_blue.mean()))


def _contest_range(prediction: np.ndarray) -> int:
    """max - min of the prediction; 1 for a flat one, where the contest's own code divides by zero.

    1 is the smallest nonzero range of 8 bits, so a flat truth that is matched exactly keeps its score of 1.
    """
    return max(int(prediction.max()) - int(prediction.min()), 1)


def _histogram(image: np.ndarray, channels: list[int], bins: list[int], ranges: list[int]) -> np.ndarray:
    hsv = cv2.cvtColor(image, cv2.COLOR_RGB2HSV)
    return cv2.calcHist([hsv], channels, None, bins, ranges)


def _correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Pearson's correlation; OpenCV returns 1 if a histogram is constant and the correlation undefined."""
    return float(cv2.compareHist(a, b, cv2.HISTCMP_CORREL))
