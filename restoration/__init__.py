"""Restore damaged gray photos and give them color.

The tensor contract, kept by every module that touches torch: float32 in [0, 1], RGB or luma,
shape (B, C, H, W); a mask has shape (B, 1, H, W) and is 1 where the photo is damaged; chroma has
shape (B, 2, H, W), is centered on 0 and lies in [-0.5, 0.5]. NumPy images are uint8, (H, W) or
(H, W, 3); NumPy masks are bool, (H, W). PIL images are for files, results and the page.
"""

from importlib import import_module

from restoration.errors import RestorationError

__version__ = "0.1.0"

__all__ = ["Colorizer", "Inpainter", "Repair", "Restoration", "RestorationError", "Restorer"]


def __getattr__(name: str):
    """Import torch only when a model is used: masking and metrics start without it."""
    if name in __all__:
        home = "models" if name in ("Inpainter", "Colorizer") else "pipeline"
        return getattr(import_module(f"restoration.{home}"), name)
    raise AttributeError(f"module 'restoration' has no attribute {name!r}")
