"""What a photographed print lies on: a table or a cloth with a grain of its own, under uneven light."""

import cv2
import numpy as np

from restoration.inference.laplace import membrane

WORK = 320  # px, the longer side at which it is looked for
STRIP = 0.03  # of the shorter side: along the photo's edge lies nothing else
GRAIN = 5  # px over which the ground's level is averaged
ROUNDS = 4  # how often its light is followed farther inward
DEVIATIONS = 3.5  # of its grain, up to which a pixel is ground
LEAST, MOST = 10, 40  # levels of gray, the limits of that difference

_BOX, _GRAIN_BOX = np.ones((3, 3), np.uint8), np.ones((GRAIN, GRAIN), np.uint8)


def find_ground(gray: np.ndarray) -> np.ndarray:
    """What is connected with the edge of a photo, uint8 (H, W), and as light as the ground there: bool (H, W).

    Light falls off across a table. So the level at a place is that of the ground found so far, continued smoothly
    (`membrane`) over all else.
    """
    scale = min(1.0, WORK / max(gray.shape))
    seen = cv2.resize(gray, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA).astype(np.float32)
    strip = max(3, round(STRIP * min(seen.shape)))
    edge = np.ones(seen.shape, bool)
    edge[strip:-strip, strip:-strip] = False
    level = cv2.blur(seen, (GRAIN, GRAIN))
    most = np.clip(DEVIATIONS * 1.4826 * np.median(np.abs(seen - level)[edge]), LEAST, MOST)  # 1.4826: as for noise
    found = known = edge
    for _ in range(ROUNDS):
        alike = (np.abs(seen - membrane(level, ~known)) <= most).view(np.uint8)
        count, labels = cv2.connectedComponents(cv2.morphologyEx(alike, cv2.MORPH_OPEN, _BOX), connectivity=4)
        at_edge = np.bincount(labels[edge], minlength=count) > 0
        found = (at_edge & (np.arange(count) > 0))[labels]
        known = edge | cv2.erode(found.view(np.uint8), _GRAIN_BOX).view(bool)
    ground = cv2.dilate(found.view(np.uint8), _BOX)  # up to the step in brightness
    return cv2.resize(ground, gray.shape[::-1], interpolation=cv2.INTER_NEAREST).view(bool)
