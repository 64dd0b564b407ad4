"""The command line around a stand-in for the networks, without torch: `python tests/helpers/quick_restorer.py restore`.

It starts in a second, so that tests can stop and start many processes; what they ask about is not what is predicted.
"""

import signal
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[2]))

from restoration.cli import restoring
from restoration.cli.main import main
from restoration.inference.holes import find_holes
from restoration.result import Restoration


def restore(photo: Image.Image, mask: np.ndarray | None, **_: object) -> Restoration:
    """White where the mask is or a hole is found, and no color."""
    levels = np.asarray(photo.convert("L"))
    mask = find_holes(levels) if mask is None else mask
    gray = Image.fromarray(np.where(mask, np.uint8(255), levels))
    return Restoration(gray, Image.fromarray(mask.astype(np.uint8) * 255), own=gray.convert("RGB"))


def slowly(*args: object, **settings: object) -> Restoration:
    """Slow enough to be stopped at work."""
    time.sleep(0.02)
    return restore(*args, **settings)


if __name__ == "__main__":
    assert hasattr(restoring, "_restorer"), "what is replaced has another name now"
    restoring._restorer = lambda _: SimpleNamespace(restore=slowly)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(main())
