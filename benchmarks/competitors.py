"""What fills a damaged gray photo: OpenCV, MI-GAN, ours. Each is called with the photo and the true hole."""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from restoration.color import luma

RADIUS = 3  # pixels, OpenCV's usual inpainting radius
MARGIN = 3  # pixels by which MI-GAN's hole is grown: resampling mixes the hole's gray into its border
TELEA, MIGAN = "OpenCV Telea", "MI-GAN"
GIVEN, SMOOTH, FOUND = "ours, mask given", "ours, smooth, mask given", "ours, mask found"
RIVALS, OURS = (TELEA, MIGAN), (GIVEN, SMOOTH, FOUND)  # rows that are compared
Competitor = Callable[[np.ndarray, np.ndarray], np.ndarray]  # damaged gray, bool mask -> gray or RGB, all uint8


def as_it_is(damaged: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Nothing done."""
    return damaged


def telea(damaged: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Telea 2004, fast marching."""
    return cv2.inpaint(damaged, mask.astype(np.uint8), RADIUS, cv2.INPAINT_TELEA)


def navier_stokes(damaged: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Bertalmio et al. 2001, isophotes continued as a fluid would flow."""
    return cv2.inpaint(damaged, mask.astype(np.uint8), RADIUS, cv2.INPAINT_NS)


class MiGan:
    """MI-GAN (Sargsyan et al. 2023): its whole 512 px pipeline, cropping and blending included, as an ONNX file.

    Args:
        run: uint8 RGB (1, 3, H, W) and mask (1, 1, H, W), 0 = hole, 255 = known -> uint8 RGB (1, 3, H, W).
    """

    def __init__(self, run: Callable[[np.ndarray, np.ndarray], np.ndarray]):
        self.run = run

    @classmethod
    def from_file(cls, file: Path) -> "MiGan":
        """Load the model with ONNX Runtime on the CPU.

        Raises:
            ValueError: ONNX Runtime or the file is missing, or the file is no such model.
        """
        if not file.is_file():
            raise ValueError(f"There is no file {file}: python benchmarks/fetch.py fetches MI-GAN's model.")
        try:
            import onnxruntime
        except ImportError as error:
            raise ValueError("MI-GAN needs ONNX Runtime: pip install onnxruntime.") from error
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = int(os.environ.get("OMP_NUM_THREADS", 0))  # it does not look there itself
        try:
            session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
        except onnxruntime.capi.onnxruntime_pybind11_state.InvalidProtobuf as error:
            raise ValueError(f"{file} is no ONNX model: python benchmarks/fetch.py fetches MI-GAN's.") from error
        if {entry.name for entry in session.get_inputs()} != {"image", "mask"}:
            raise ValueError(f"{file} is not MI-GAN's whole pipeline: python benchmarks/fetch.py fetches it.")
        return cls(lambda image, mask: session.run(None, {"image": image, "mask": mask})[0])

    def __call__(self, damaged: np.ndarray, mask: np.ndarray) -> np.ndarray:
        """The hole is the luma of what MI-GAN paints there; known pixels are copied."""
        box = np.ones((2 * MARGIN + 1, 2 * MARGIN + 1), np.uint8)
        known = np.where(cv2.dilate(mask.astype(np.uint8), box), 0, 255).astype(np.uint8)
        rgb = np.broadcast_to(damaged, (1, 3, *damaged.shape))
        painted = self.run(np.ascontiguousarray(rgb), known[None, None])[0].transpose(1, 2, 0)
        return np.where(mask, luma(painted), damaged)


@dataclass
class Ours:
    """A Restorer as a competitor; it also keeps what only a method that finds damage can show."""

    restorer: "Restorer"  # noqa: F821, imported with torch only when it is run
    find: bool  # look for the damage instead of taking the true mask
    fill: str = "textured"
    ious: list[float] = field(default_factory=list)
    known_difference: int = 0  # levels, the largest over all photos

    def __call__(self, damaged: np.ndarray, mask: np.ndarray) -> np.ndarray:
        restoration = self.restorer.restore(damaged, mask=None if self.find else mask, fill=self.fill)
        image, used = np.asarray(restoration.image), np.asarray(restoration.mask) > 127
        self.ious.append(np.count_nonzero(used & mask) / np.count_nonzero(used | mask))
        difference = np.abs(luma(image).astype(int) - damaged)[~used]
        self.known_difference = max(self.known_difference, int(difference.max(initial=0)))
        return image


def competitors(weights: str, masks: str, migan: Path | None = None) -> dict[str, Competitor]:
    """The table's rows by name; a new method is one more entry.

    Args:
        weights: folder or hub repository of our models.
        masks: rows of ours: "given", "found", "both" or "none".
        migan: MI-GAN's ONNX file; None = no such row.

    Raises:
        ValueError: weights or model cannot be loaded.
    """
    rows: dict[str, Competitor] = {
        "input as it is": as_it_is,
        TELEA: telea,
        "OpenCV Navier-Stokes": navier_stokes,
    }
    if migan:
        rows[MIGAN] = MiGan.from_file(migan)
    if masks == "none":
        return rows
    from restoration.pipeline import Restorer

    restorer = Restorer.from_pretrained(weights)
    if masks in ("given", "both"):
        rows[GIVEN] = Ours(restorer, find=False)
        rows[SMOOTH] = Ours(restorer, find=False, fill="smooth")
    if masks in ("found", "both"):
        rows[FOUND] = Ours(restorer, find=True)
    return rows


def finding(rows: dict[str, Competitor]) -> dict[str, float | int]:
    """How well damage was found, and how far known pixels moved (they must not)."""
    ours = [row for row in rows.values() if isinstance(row, Ours)]
    ious = np.array([iou for row in ours if row.find for iou in row.ious])
    found = {"found_iou": float(ious.mean()), "found_iou_over_0.9": float((ious > 0.9).mean())} if len(ious) else {}
    known = {"known_luma_max_difference": max(row.known_difference for row in ours)} if ours else {}
    return found | known
