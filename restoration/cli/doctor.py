"""Facts for a bug report: versions, device, threads, memory, weights and their hashes."""

import hashlib
import os
import platform
from collections.abc import Iterator
from importlib.metadata import distributions
from pathlib import Path

import restoration
from restoration.config import MODEL_WEIGHTS
from restoration.inference import backends, graphs

PACKAGES = "gradio numpy opencv-python-headless openvino pi-heif pillow segmentation-models-pytorch torch"


def facts(weights: Path) -> Iterator[str]:
    """One readable line per fact; `weights` is a folder in hub layout."""
    yield f"photo-restoration {restoration.__version__}, Python {platform.python_version()}, {platform.platform()}"
    found = {found.name.lower().replace("_", "-"): found.version for found in distributions()}
    yield ", ".join(f"{name} {found.get(name, 'missing')}" for name in PACKAGES.split())
    yield f"device {backends.torch_device()}, {backends.threads()} threads, precision {backends.chosen_precision()}"
    if "SC_AVPHYS_PAGES" in getattr(os, "sysconf_names", ()):
        unit = os.sysconf("SC_PAGE_SIZE") / 2**30
        total, free = (os.sysconf(name) * unit for name in ("SC_PHYS_PAGES", "SC_AVPHYS_PAGES"))
        yield f"{total:.1f} GiB of memory, {free:.1f} GiB free"
    files = sorted(weights.glob(f"*/{MODEL_WEIGHTS}"))
    if not files:
        yield f"no weights in {weights}"
    for file in files:
        fit = "graphs fit" if graphs.fit(file.parent) else "no graphs that fit"
        yield f"{file.relative_to(weights)}, {fit}, SHA-256 {hashlib.sha256(file.read_bytes()).hexdigest()}"
