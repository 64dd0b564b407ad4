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

from restoration import restoring
from restoration.__main__ import main


def restore(photo: Image.Image, mask: Image.Image | None, **_: object) -> SimpleNamespace:
    """Slow enough to be stopped at work: the negative, in three channels."""
    time.sleep(0.02)
    levels = 255 - np.asarray(photo.convert("L"))
    gray = Image.fromarray(levels)
    return SimpleNamespace(image=gray.convert("RGB"), gray=gray, mask=gray.point(lambda v: 255 * (v > 99)))


if __name__ == "__main__":
    assert hasattr(restoring, "_restorer"), "what is replaced has another name now"
    restoring._restorer = lambda _: SimpleNamespace(restore=restore)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(main())
