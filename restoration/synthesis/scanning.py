"""A print as it reaches the computer: faded, mounted, scanned. None of this counts as damage."""

import cv2
import numpy as np


def fade(gray: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A print that light has bleached: less contrast on a lighter ground; uint8 (H, W) in and out."""
    black, white = rng.uniform(0, 90), rng.uniform(190, 255)
    return np.rint(black + gray * ((white - black) / 255)).astype(np.uint8)


def simulate_scan(gray: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A print as scanners see it: one in three less sharp, one in three with grain; uint8 (H, W) in and out."""
    photo = gray.astype(np.float32)
    if rng.random() < 1 / 3:
        photo = cv2.GaussianBlur(photo, (0, 0), rng.uniform(0.4, 1.5))
    if rng.random() < 1 / 3:
        photo += rng.normal(0, rng.uniform(1, 8), gray.shape).astype(np.float32)
    return np.rint(photo.clip(0, 255)).astype(np.uint8)


def draw_mount(rng: np.random.Generator, shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """What surrounds a print or lies on it: a border, rounded corners, a scanner's bed, a caption.

    Returns:
        Its opacity in [0, 1] and its levels, float32 (H, W). What it covers is not damaged.
    """
    (height, width), size = shape, min(shape)
    radius = int(rng.integers(0, max(1, size // 7))) if rng.random() < 0.5 else 0
    breadth = np.where(rng.random(4) < 0.35, rng.integers(0, max(2, size // 8)), -size) + radius  # a side that is away
    left, top, right, bottom = (breadth + size).tolist()  # there is room around for what lies outside
    shown = np.zeros((height + 2 * size, width + 2 * size), np.uint8)
    cv2.rectangle(shown, (left, top), (width + 2 * size - 1 - right, height + 2 * size - 1 - bottom), 255, -1)
    shown = cv2.dilate(shown, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1)))
    shown = cv2.GaussianBlur(shown[size:-size, size:-size], (0, 0), rng.uniform(0.3, 1))
    kind = rng.random()
    tone = rng.uniform(205, 255) if kind < 0.6 else rng.uniform(0, 30) if kind < 0.8 else rng.uniform(60, 210)
    levels = np.full(shape, tone, np.float32) + rng.normal(0, rng.uniform(0, 4), shape).astype(np.float32)
    if rng.random() < 0.3:
        text = _caption(rng, shape)
        shown, levels = cv2.subtract(shown, text), np.where(text > 0, np.float32(rng.choice([20, 235])), levels)
    return 1 - shown.astype(np.float32) / 255, levels


def mounted(gray: np.ndarray, mount: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """A print, uint8 (H, W), on a mount of `draw_mount`."""
    opacity, levels = mount
    return np.rint((gray + opacity * (levels - gray)).clip(0, 255)).astype(np.uint8)


def _caption(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    """Letters and digits somewhere, uint8 (H, W)."""
    text = "".join(chr(code) for code in rng.integers(48, 123, rng.integers(3, 12)))
    place = int(rng.integers(-20, shape[1] // 2 + 1)), int(rng.integers(10, shape[0] + 10))
    font, size = int(rng.integers(0, 8)), rng.uniform(0.4, 1.1)
    return cv2.putText(np.zeros(shape, np.uint8), text, place, font, size, 255, int(rng.integers(1, 3)), cv2.LINE_AA)
