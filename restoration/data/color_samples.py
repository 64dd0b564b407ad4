"""Samples for the Colorizer: photos as gray as old prints, and color hints as a person gives them."""

import cv2
import numpy as np

from restoration.color import chroma, luma
from restoration.config import TrainConfig
from restoration.masking import draw_hole, jpeg
from restoration.synthesis.scanning import draw_mount, fade, mounted, simulate_scan

Sample = dict[str, np.ndarray]  # uint8 (C, H, W): a quarter of the size of floats on the way to the device
NEUTRAL, VIVID = 5 / 255, 25 / 255  # of chroma: below counts as no color, above as an obvious one


def color_sample(rgb: np.ndarray, rng: np.random.Generator, config: TrainConfig) -> Sample:
    """`luma` in levels, `chroma` and `hint_chroma` as `chroma_levels`, and `marks`: 1 = filled, 2 = hinted, added.

    Filled: a share of the samples simulates a filled hole there. For another share, `luma` imitates an old print with
    different grays and colorless paper around it.
    """
    colors, gray = chroma(rgb), luma(rgb)
    if rng.random() < config.old_gray:
        gray = aged_gray(rgb, rng)
        if rng.random() < 0.25:
            mount = draw_mount(rng, gray.shape)
            gray, colors = mounted(gray, mount), np.where(mount[0][..., None] < 0.5, colors, np.float32(0))
    filled = draw_hole(rng, *gray.shape, rng.uniform(0.01, config.max_area))
    if rng.random() >= config.filled_share:
        filled[:] = False
    given, hinted = colors, np.zeros(gray.shape, bool)
    if rng.random() < config.color_hints:
        given, hinted = color_hints(colors, rng)
    planes = {"chroma": chroma_levels(colors), "hint_chroma": chroma_levels(given)}
    return {"luma": gray[None], "marks": marks(filled, hinted)} | planes


def marks(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Two masks, bool (H, W), as bits of one plane, uint8 (1, H, W)."""
    return (first.view(np.uint8) | second.view(np.uint8) << 1)[None]


def chroma_levels(colors: np.ndarray) -> np.ndarray:
    """Chroma (H, W, 2) as bytes, uint8 (2, H, W): 128 is exactly zero, and a step is 1/255."""
    return (np.rint(255 * colors).clip(-128, 127) + 128).astype(np.uint8).transpose(2, 0, 1)


def aged_gray(rgb: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A color photo as a scan of an old print of it, uint8 (H, W): the film's grays, faded or high-contrast, unsharp,
    grainy, unevenly lit, after JPEG; none, some or all of these."""
    gray, tones = film_gray(rgb, rng), rng.random()
    if tones < 0.35:
        gray = fade(gray, rng)
    elif tones < 0.65:
        hard = 127 + rng.uniform(1.1, 1.9) * (gray - 127.0) + rng.uniform(-40, 30)
        gray = np.rint(hard.clip(0, 255)).astype(np.uint8)
    gray = simulate_scan(gray, rng)
    if rng.random() < 0.15:
        light = cv2.resize(rng.uniform(-25, 25, (3, 3)), gray.shape[::-1], interpolation=cv2.INTER_CUBIC)
        gray = np.rint((gray + light).clip(0, 255)).astype(np.uint8)
    return jpeg(gray, int(rng.integers(40, 95))) if rng.random() < 0.3 else gray


def film_gray(rgb: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A color photo in the grays of a film, uint8 (H, W).

    Orthochromatic film, common until the 1930s, hardly sees red: lips are dark and skies white.
    """
    kind = rng.random()
    weights = rng.uniform((0, 0.3, 0.3), (0.1, 0.6, 0.6)) if kind < 0.4 else rng.dirichlet((3, 4, 3))
    gray = luma(rgb) if kind > 0.6 else rgb @ (weights / weights.sum())
    if rng.random() < 0.3:
        gray = 255 * (gray / 255) ** np.exp(rng.uniform(-0.5, 0.5))
    return np.rint(gray).astype(np.uint8)


def color_hints(colors: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Hints from the true chroma `colors`: chroma (H, W, 2), and where it is given, bool (H, W).

    All but one large hole, as when a color photo is repaired; single pixels; mostly a few dabs, as from a person.
    """
    height, width = colors.shape[:2]
    kind = rng.random()
    if kind < 0.25:
        return colors, ~draw_hole(rng, height, width, rng.uniform(0.02, 0.4))
    hinted = np.zeros((height, width), bool)
    if kind < 0.35:
        count = int(200 ** rng.random())
        hinted[rng.integers(height, size=count), rng.integers(width, size=count)] = True
        return colors, hinted
    return _dabs(colors, rng, int(13 ** rng.random() if rng.random() < 0.85 else rng.integers(10, 51)))


def _dabs(colors: np.ndarray, rng: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Dabs of one color or of the photo's own, some on colorless places, where no color must be invented."""
    given, hinted = colors.copy(), np.zeros(colors.shape[:2], np.uint8)
    strength = np.hypot(colors[..., 0], colors[..., 1])
    places = [np.argwhere(strength < NEUTRAL), np.argwhere(strength > VIVID), np.argwhere(strength >= 0)]
    for _ in range(count):
        choice = places[rng.choice(3, p=(0.15, 0.35, 0.5))]
        choice = choice if len(choice) else places[2]
        y, x = choice[rng.integers(len(choice))].tolist()
        dab = cv2.circle(np.zeros_like(hinted), (x, y), max(0, round(rng.normal(2, 1.3))), 1, cv2.FILLED).view(bool)
        if rng.random() < 0.6:
            given[dab] = rng.choice([colors[y, x], colors[dab].mean(axis=0)])
        hinted |= dab
    return given, hinted.view(bool)
