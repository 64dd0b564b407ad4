"""A whole gray photo, with or without color hints -> how likely each color is; chroma -> a color photo."""

from dataclasses import replace
from typing import NamedTuple

import cv2
import numpy as np
from PIL import Image

from restoration.color import chroma, with_chroma
from restoration.config import CHROMA_SCALE
from restoration.inference import faces
from restoration.inference.backends import Network
from restoration.inference.distribution import TILTS, ChromaDistribution
from restoration.inference.hints import Known, Spread, fading, spread
from restoration.inference.laplace import membrane
from restoration.inference.prints import Print
from restoration.inference.reference import FADE as LENT_FADE
from restoration.inference.reference import Reference
from restoration.inference.scaling import Guided, Rows, bands, shrink
from restoration.inference.tones import stretch_if_faded

COLOR_SIZE = 192  # px, the shorter side at which chroma is predicted: the eye sees color less sharply than light
VIEWS = (160, False), (224, True)  # px, the shorter side of each view that a gray photo is seen in; whether mirrored
MAX_COLOR_SIDE = 1024  # px, the longer one, for panoramas
FACES_SIDE = 1024  # px, the longer side at which faces are looked for
SKIN_HUE = np.float32([-0.65, 0.76])  # direction of the chroma of skin, dark and pale: mean over 62 portraits
SKIN_TILT = 2  # logits added to this hue, over gray, in a face: no violet face beside a violet dress


class Hints(NamedTuple):
    """Known colors."""

    rgb: np.ndarray | Rows  # uint8 (H, W, 3)
    where: np.ndarray  # bool (H, W)

    @classmethod
    def painted(cls, rgba: np.ndarray) -> "Hints | None":
        """The colors of uint8 RGBA (H, W, 4) where its alpha is above 127; None where there are none."""
        where = rgba[..., 3] > 127
        return cls(rgba[..., :3], where) if where.any() else None


def predict_chroma(gray: np.ndarray, colorizer: Network) -> ChromaDistribution:
    """How likely each color is in a whole gray photo, uint8 (H, W), at the size where color is predicted.

    The mean of two views, whose blotches differ.
    """
    light = _light(gray, COLOR_SIZE)
    size = [-(-side // 4) for side in reversed(light.shape)]
    views = []
    for side, mirrored in VIEWS:
        seen = _light(gray, side)
        image = np.zeros((4, *seen.shape), np.float32)
        image[0] = seen[:, ::-1] if mirrored else seen
        logits = colorizer(image)
        logits = np.ascontiguousarray(logits[..., ::-1]) if mirrored else logits
        views.append([cv2.resize(each, size, interpolation=cv2.INTER_LINEAR) for each in logits])
    return ChromaDistribution(np.mean(views, axis=0), light, colorizer.prior)


def predict_hole(gray: np.ndarray, colorizer: Network, known: Hints) -> ChromaDistribution:
    """`predict_chroma` of a photo, uint8 (H, W), whose colors are known except in a hole."""
    light = _light(gray, COLOR_SIZE)
    colors, trust = _shrunk(known, light.shape)
    image = np.concatenate([light[None], CHROMA_SCALE * colors.transpose(2, 0, 1), trust[None]])  # as models.Colorizer
    return ChromaDistribution(colorizer(image), light, colorizer.prior)


def _light(gray: np.ndarray, side: int) -> np.ndarray:
    """Luma, float32 in [0, 1], with a shorter side of at most so many px."""
    size = color_size(*gray.shape, side)
    return shrink(gray.shape, size, lambda rows: gray[rows] / np.float32(255))


def _with_skin(belief: ChromaDistribution, gray: np.ndarray) -> ChromaDistribution:
    """A belief about a gray photo, uint8 (H, W), shifted toward skin colors in faces."""
    scale = min(1.0, FACES_SIDE / max(gray.shape))
    size = [max(1, round(scale * side)) for side in reversed(gray.shape)]
    seen = cv2.resize(gray, size, interpolation=cv2.INTER_AREA)
    shape = belief.logits.shape[1:]
    where = np.zeros(shape, np.float32)
    for face in faces.find_faces(seen):
        where = np.maximum(where, faces.oval(face.scaled(belief.light.shape[1] / 4 / seen.shape[1]), shape))
    tilt = SKIN_TILT * (TILTS @ SKIN_HUE)[:, None, None]
    return replace(belief, logits=belief.logits + tilt * where)


def meeting(chroma: np.ndarray, known: Hints) -> np.ndarray:
    """A predicted chroma (h, w, 2), made exact where colors are known and blended around them."""
    colors, trust = _shrunk(known, chroma.shape[:2])
    return chroma + membrane(colors - chroma, trust == 0)


def _shrunk(hints: Hints, size: tuple[int, int]) -> Known:
    """Their mean chroma at a smaller size (h, w), where even a dab smaller than a pixel counts."""

    def band(rows: slice) -> np.ndarray:
        weight = hints.where[rows, :, None].astype(np.float32)
        if not weight.any():
            return np.zeros((*weight.shape[:2], 3), np.float32)  # of a large photo with a dab, nearly all
        return np.concatenate([chroma(hints.rgb[rows]) * weight, weight], axis=-1)

    summed = shrink(hints.where.shape, size, band)
    weight = summed[..., 2:]
    return Known(summed[..., :2] / np.maximum(weight, np.float32(1e-6)), (weight[..., 0] > 0).astype(np.float32))


def predict_prints(
    gray: np.ndarray, prints: list[Print], colorizer: Network, before: list[ChromaDistribution]
) -> list[ChromaDistribution]:
    """`predict_chroma` of each print of a scan on its own, its tones stretched if they are faded.

    `before` are the beliefs before the latest repair of the scan, if there are any.
    """
    grays = [stretch_if_faded(found.cut(gray)) for found in prints]
    beliefs = [_with_skin(predict_chroma(each, colorizer), each) for each in grays]
    known = len(before) == len(prints)
    return [belief.after(old) for belief, old in zip(beliefs, before, strict=True)] if known else beliefs


def spread_known(
    gray: np.ndarray,
    prints: list[Print],
    beliefs: list[ChromaDistribution],
    hints: Hints | None = None,
    reference: Reference | None = None,
) -> list[Spread]:
    """What a reference and then hints change in each print of a scan, uint8 (H, W)."""
    spreads = []
    for found, belief in zip(prints, beliefs, strict=True):
        light, predicted, size = belief.light, belief.decode(), belief.light.shape
        result = Spread(np.float32(1), np.float32(0))  # changes nothing
        if reference:
            result = spread(light, predicted, reference.lend(stretch_if_faded(found.cut(gray)), size), LENT_FADE)
        if hints:
            known = _shrunk(Hints(*map(found.cut, hints)), size)
            fade = fading(belief.likelihood(SKIN_HUE), known)
            result = result.then(spread(light, result.over(predicted), known, fade))
        spreads.append(result)
    return spreads


def painted(gray: np.ndarray, chromas: list[np.ndarray], prints: list[Print]) -> Image.Image:
    """A gray scan, uint8 (H, W), with its prints colored and the paper gray: RGB, its luma exactly the scan's.

    The chroma of each straightened print may have a smaller size, (h, w, 2).
    """
    image = Image.new("RGB", gray.shape[::-1])
    boxes = [found.box(gray.shape) for found in prints]
    parts = [Guided(_turned(*part), gray[part[-1]]) for part in zip(chromas, prints, boxes, strict=True)]
    for band in bands(*gray.shape):
        cbcr = np.zeros((*gray[band].shape, 2), np.float32)
        for found, (rows, columns), part in zip(prints, boxes, parts, strict=True):
            top, bottom = max(band.start, rows.start), min(band.stop, rows.stop)
            if top < bottom:
                share = found.coverage(slice(top, bottom), columns)[..., None]
                own = part[top - rows.start : bottom - rows.start] * share
                cbcr[top - band.start : bottom - band.start, columns] += own
        image.paste(Image.fromarray(with_chroma(gray[band], cbcr)), (0, band.start))
    return image


def _turned(cbcr: np.ndarray, found: Print, box: tuple[slice, slice]) -> np.ndarray:
    """Chroma of a straightened print (h, w, 2) as it lies on the scan, in the print's box; edges are repeated."""
    if found.angle == 0:
        return cbcr
    height, width = (side.stop - side.start for side in box)
    size = max(1, round(width * cbcr.shape[1] / found.width)), max(1, round(height * cbcr.shape[0] / found.height))
    return found.laid(cbcr, box, size, cv2.BORDER_REPLICATE)


def recolored(photo: Image.Image, gray: np.ndarray, mask: np.ndarray, cbcr: np.ndarray) -> Image.Image:
    """The photo's own RGB outside the mask; inside it `gray` in the colors of `cbcr`."""
    large, image = Guided(cbcr, gray), photo.copy()
    for rows in bands(*gray.shape):
        if mask[rows].any():
            colored = Image.fromarray(with_chroma(gray[rows], large[rows]))
            image.paste(colored, (0, rows.start), Image.fromarray(mask[rows]))
    return image


def color_size(height: int, width: int, side: int = COLOR_SIZE) -> tuple[int, int]:
    """The size at which a photo's chroma is predicted."""
    scale = min(1.0, side / min(height, width), MAX_COLOR_SIDE / max(height, width))
    return max(1, round(height * scale)), max(1, round(width * scale))
