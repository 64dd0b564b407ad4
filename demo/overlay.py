"""Between the full-size photo and the small preview that is painted on.

The editor would lose a photo's metadata and takes long over a large one, so it gets a preview; what is painted
there changes the mask, or the color hints, of the photo's own size.
"""

import cv2
import numpy as np
from PIL import Image

PREVIEW = 1600  # px, the longest side of a preview
MARK = (255, 51, 102, 150)  # RGBA of what is marked as damaged
TINT_TOLERANCE = 4.0  # levels of chroma that paper, stains and JPEG add to a photo of one tint
Mask = np.ndarray  # bool (H, W), True = damaged


def preview(photo: Image.Image) -> Image.Image:
    """The photo with sides of at most PREVIEW px; a small one as it is."""
    small = photo.copy()
    small.thumbnail((PREVIEW, PREVIEW), Image.Resampling.LANCZOS, reducing_gap=3.0)
    return small


def shrink_mask(mask: Mask, size: tuple[int, int]) -> Mask:
    """The mask at a preview's (width, height): a pixel is marked where any of the pixels below it is."""
    share = cv2.resize(mask.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    return share > 0


def marked_layer(shown: Mask) -> Image.Image:
    """A mask as a layer of the editor: RGBA, transparent where nothing is marked."""
    layer = np.zeros((*shown.shape, 4), np.uint8)
    layer[shown] = MARK
    return Image.fromarray(layer)


def painted(layers: list[Image.Image], size: tuple[int, int]) -> Mask:
    """Where any of the editor's layers is painted, at the preview's (width, height)."""
    found = np.zeros(size[::-1], bool)
    for layer in layers:
        found |= np.asarray(layer.resize(size, Image.Resampling.NEAREST).getchannel("A")) > 0
    return found


def changed_mask(mask: Mask, shown: Mask, now: Mask) -> Mask:
    """The full-size mask after the preview's went from `shown` to `now`; what was not touched stays to the pixel."""
    added, erased = (_enlarge(part, mask.shape) for part in (now & ~shown, shown & ~now))
    return (mask | added) & ~erased


def with_more(mask: Mask, before: Mask, now: Mask) -> Mask:
    """The mask and the regions that are found `now`, but none that meets what was found `before` and erased since."""
    count, labels = cv2.connectedComponents(now.view(np.uint8), connectivity=8)
    is_refused = np.zeros(count, bool)
    is_refused[labels[before & ~mask]] = True
    return mask | (now & ~is_refused[labels])


def full_hints(layers: list[Image.Image], size: tuple[int, int]) -> Image.Image | None:
    """The dabs of the editor's layers, as RGBA of the photo's (width, height); None where there are none."""
    dabs = Image.new("RGBA", layers[0].size) if layers else None
    for layer in layers:
        dabs.alpha_composite(layer.convert("RGBA"))
    if dabs is None or dabs.getchannel("A").getextrema()[1] <= 127:
        return None
    return dabs.resize(size, Image.Resampling.NEAREST)


def is_tinted(photo: Image.Image) -> bool:
    """Whether a photo in color is really a gray one on yellowed or sepia paper: its chroma follows its luma."""
    if photo.mode == "L":
        return False
    small = preview(photo).resize((96, 96), Image.Resampling.BOX).convert("YCbCr")
    luma, *chroma = (band.ravel().astype(float) for band in np.moveaxis(np.asarray(small), 2, 0))
    left = [band - np.polyval(np.polyfit(luma, band, 2), luma) for band in chroma] if np.ptp(luma) else [np.zeros(1)]
    return float(np.hypot.reduce([np.std(band) for band in left])) < TINT_TOLERANCE


def _enlarge(part: Mask, shape: tuple[int, int]) -> Mask:
    return cv2.resize(part.astype(np.uint8), shape[::-1], interpolation=cv2.INTER_NEAREST) > 0
