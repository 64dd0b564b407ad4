"""BT.601 luma and chroma, and back to RGB without losing a single level of luma."""

import numpy as np
from PIL import Image

# Pillow's own luma weights, in 1/65536: convert("L") is (R*19595 + G*38470 + B*7471 + 32768) >> 16.
LUMA_R, LUMA_G, LUMA_B = 19595, 38470, 7471
KR, KG, KB = LUMA_R / 65536, LUMA_G / 65536, LUMA_B / 65536


def luma(rgb: np.ndarray) -> np.ndarray:
    """uint8 RGB (H, W, 3) -> uint8 luma (H, W), Pillow's; a gray photo (H, W) is returned unchanged."""
    return rgb if rgb.ndim == 2 else np.array(Image.fromarray(rgb).convert("L"))


def chroma(rgb: np.ndarray) -> np.ndarray:
    """uint8 RGB (H, W, 3) -> float32 chroma (H, W, 2): BT.601 Cb and Cr, each in [-0.5, 0.5]."""
    r, g, b = (rgb[..., i].astype(np.float32) / 255 for i in range(3))
    y = KR * r + KG * g + KB * b
    return np.stack([(b - y) / (2 * (1 - KB)), (r - y) / (2 * (1 - KR))], axis=-1)


def with_chroma(gray: np.ndarray, cbcr: np.ndarray) -> np.ndarray:
    """uint8 luma (H, W) and chroma (H, W, 2) -> uint8 RGB whose `convert("L")` is `gray` exactly.

    Chroma outside the RGB cube is scaled toward gray, which keeps its hue; clipping the channels
    would not. R and B are rounded first, then G is the level nearest to its own value among
    those for which Pillow's weighted sum rounds back to `gray`.
    """
    y = gray.astype(np.float32)
    headroom = 255 - y
    added = offsets(cbcr.astype(np.float32) * 255)
    scale = np.ones_like(y)
    for offset in added:
        room = np.where(offset > 0, headroom, y)
        room /= np.maximum(np.abs(offset), 1e-6)
        np.minimum(scale, room, out=scale)
    red, green, blue = (np.rint(y + scale * offset).astype(np.int32) for offset in added)
    rgb = np.empty((*gray.shape, 3), np.uint8)
    rgb[..., 0] = np.clip(red, 0, 255, out=red)
    rgb[..., 2] = np.clip(blue, 0, 255, out=blue)
    rest = (gray.astype(np.int32) << 16) - 32768  # 24 bits, so int32 holds it all
    rest -= LUMA_R * red
    rest -= LUMA_B * blue
    lowest = -(-rest // LUMA_G)
    highest = lowest + (lowest * LUMA_G - rest <= 65535 - LUMA_G)  # that is (rest + 65535) // LUMA_G
    rgb[..., 1] = np.clip(green, lowest, highest)
    return rgb


def offsets(cbcr):
    """What Cb and Cr (last axis) add to luma in R, G and B, in the unit of Cb and Cr."""
    cb, cr = cbcr[..., 0], cbcr[..., 1]
    red, blue = 2 * (1 - KR) * cr, 2 * (1 - KB) * cb
    return red, -(KR * red + KB * blue) / KG, blue
