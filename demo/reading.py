"""Read a visitor's file as a photo, within the page's limits."""

from pathlib import Path

import gradio as gr
import numpy as np
from PIL import Image

from demo.limits import MEGAPIXELS
from demo.manners import RefusalError
from restoration.files import imaging
from restoration.inference.paper import find_inside_paper
from restoration.inference.prints import Print

OWN_BORDER, STRAIGHT = 0.6, 1  # of a scan, degrees: a single print at least this large and straight is not cut out


def as_file(component: gr.Component) -> gr.Component:
    """Make a component pass on uploaded files as paths: Gradio would decode them, with losses.
    Set on the object, since Gradio writes a stub file beside every subclass of a component.
    """

    def path(payload: object) -> object:
        return payload.path if hasattr(payload, "path") else payload and [file.path for file in payload]

    component.preprocess = path
    return component


def read_scan(file: Path) -> imaging.Scan:
    """The photo in a file, upright, L or RGB, with the rest of its file."""
    if imaging.claimed_pixels(file) > MEGAPIXELS * 1_000_000:
        raise RefusalError("too_many_pixels", name=file.name, megapixels=MEGAPIXELS)
    return imaging.read_scan(file)


def prints_on(scan: Image.Image) -> list[Print]:
    """The prints of a scan, except a single straight one with just its own white border."""
    prints, least = find_inside_paper(np.asarray(scan.convert("L"))), OWN_BORDER * scan.width * scan.height
    straight = [found for found in prints if abs(found.angle) < STRAIGHT and found.width * found.height > least]
    return [] if len(prints) == 1 and straight else prints
