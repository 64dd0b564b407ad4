"""The damage found in a photo or scan; one map gives the mask for any sensitivity and any stroke."""

from dataclasses import dataclass, field
from typing import NamedTuple

import cv2
import numpy as np

from restoration.errors import RestorationError
from restoration.inference.prints import Print
from restoration.inference.regions import touching
from restoration.inference.strokes import fitted, followed

MOST_SENSITIVE = 3


class Rule(NamedTuple):
    """Which parts of a damage map count, in logits: a step of 1 multiplies the odds by e."""

    grown: float  # least logit of every pixel of a region
    seed: float  # least logit of at least one of its pixels
    pixels: float  # least size of a region


WHOLE = Rule(0.5, 3, 12), Rule(0, 2.3, 10), Rule(-0.5, 1.4, 8), Rule(-1, 0.3, 8)  # of sharp photos, by sensitivity
SOFT = Rule(-1, 0.5, 12), Rule(-1.2, 0, 10), Rule(-1.4, -0.3, 8), Rule(-1.8, -0.5, 8)  # without any fine detail
WORN = Rule(-0.4, 0, 8), Rule(-0.7, -0.3, 8), Rule(-1.4, -1, 8), Rule(-1.8, -1.4, 8)  # of worn prints
LIGHT = -1.8, -2.1, -2.1, -2.5  # logits from which light spots of worn prints count if they touch what counts
MAX_FOUND = 0.5  # of the photo: a map that marks more is not trusted
RIM = 3  # px around a hole in which the map only repeats the hole
SNAP_LOGIT = -1.5  # from which a pixel under a user's stroke counts as damaged
FOLLOWED = SNAP_LOGIT, -0.5  # down to which a mark is followed from there: of most photos, of worn prints
FAINTER = 1  # logits less, where it stands out as it does under the tap


@dataclass(frozen=True)
class Damage:
    """What was found in one photo."""

    holes: np.ndarray = field(repr=False)  # bool (H, W): areas filled with one gray, to the pixel
    logits: np.ndarray = field(repr=False)  # float32 (h, w), how likely damage is: of the window, or smaller
    window: tuple[slice, slice]  # the picture in the photo, without bars and frames
    light: np.ndarray | None = field(repr=False)  # bool (h, w), what of a worn print is lighter than around
    softness: float = 0  # how little fine detail there is, 0 to 1

    @property
    def is_worn(self) -> bool:
        """Whether the print has enough confident marks that uncertain ones count too."""
        return self.light is not None

    def mask(self, sensitivity: float = 0) -> np.ndarray:
        """bool (H, W), True = damaged; all False if the mask would cover the whole photo.

        Args:
            sensitivity: 0 = only near-certain damage; up to MOST_SENSITIVE finds more, with more false alarms.
                Fractions interpolate between the rules of whole numbers.

        Raises:
            RestorationError: the sensitivity is out of range.
        """
        if not 0 <= sensitivity <= MOST_SENSITIVE:
            raise RestorationError(f"Sensitivity {sensitivity} is out of range: use 0 to {MOST_SENSITIVE}.")
        found = np.zeros_like(self.holes)
        regions = accepted(self.logits, self._rule(sensitivity))
        if self.light is not None:  # light spots of a worn print that touch what counts, count too
            regions = touching(regions | (self.light & (self.logits > _between(LIGHT, sensitivity))), regions)
        if regions.mean() <= MAX_FOUND:
            found[self.window] = enlarged(regions, found[self.window].shape)
        around = cv2.dilate(self.holes.view(np.uint8), None, iterations=RIM).view(bool)
        damaged = (found & ~around) | self.holes  # around exact holes the map's soft edges add nothing
        return np.zeros_like(damaged) if damaged.all() else damaged

    def _rule(self, sensitivity: float) -> Rule:
        if self.is_worn:
            return _rule_at(WORN, sensitivity)
        limits = zip(_rule_at(WHOLE, sensitivity), _rule_at(SOFT, sensitivity), strict=True)
        return Rule(*(sharp + self.softness * (soft - sharp) for sharp, soft in limits))

    def likely(self, least: float = SNAP_LOGIT) -> np.ndarray:
        """What counts as damaged under a user's strokes, bool (H, W): logits above `least`."""
        likely = self.holes.copy()
        inside = likely[self.window]
        inside |= enlarged(self.logits > least, inside.shape)
        return likely

    def reachable(self, less: float = 0) -> np.ndarray:
        """What belongs to a mark that a user has tapped, bool (H, W), if it is connected: down to logits `less`."""
        return self.likely(FOLLOWED[self.is_worn] - less)

    def snap(self, mask: np.ndarray, gray: np.ndarray) -> np.ndarray:
        """The damage under rough strokes on a photo, uint8 (H, W): `strokes.fitted`, bool (H, W) in and out."""
        return fitted(mask, self.likely(), gray)

    def follow(self, mask: np.ndarray, gray: np.ndarray) -> np.ndarray:
        """A mask and the marks that it touches, each to its ends: `strokes.followed`, bool (H, W) in and out."""
        return followed(mask, self.reachable(), self.reachable(FAINTER), gray)


class ScanDamage(NamedTuple):
    """The damage found in a scan and in each of its straightened prints, with the methods of `Damage`."""

    shape: tuple[int, int]  # of the scan
    parts: list[tuple[Print, Damage]]

    @property
    def is_worn(self) -> bool:
        """Whether the scan or one of its prints is worn."""
        return any(damage.is_worn for _, damage in self.parts)

    def mask(self, sensitivity: float = 0) -> np.ndarray:
        """As `Damage.mask`: the union over the scan and its prints."""
        return self._laid_out([damage.mask(sensitivity) for _, damage in self.parts])

    def snap(self, mask: np.ndarray, gray: np.ndarray) -> np.ndarray:
        """As `Damage.snap`, over the scan."""
        return fitted(mask, self._laid_out([damage.likely() for _, damage in self.parts]), gray)

    def follow(self, mask: np.ndarray, gray: np.ndarray) -> np.ndarray:
        """As `Damage.follow`, over the scan."""
        sure, faint = (self._laid_out([damage.reachable(less) for _, damage in self.parts]) for less in (0, FAINTER))
        return followed(mask, sure, faint, gray)

    def _laid_out(self, masks: list[np.ndarray]) -> np.ndarray:
        scan = np.zeros(self.shape, bool)
        for (found, _), mask in zip(self.parts, masks, strict=True):
            found.lay(mask, scan)
        return scan


def _rule_at(rules: tuple[Rule, ...], sensitivity: float) -> Rule:
    return Rule(*(_between(limits, sensitivity) for limits in zip(*rules, strict=True)))


def _between(limits: tuple[float, ...], sensitivity: float) -> float:
    return float(np.interp(sensitivity, range(MOST_SENSITIVE + 1), limits))


def accepted(logits: np.ndarray, rule: Rule) -> np.ndarray:
    """The regions of a damage map that a rule accepts, bool (h, w)."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats((logits > rule.grown).view(np.uint8), connectivity=8)
    counts = np.zeros(len(stats), bool)
    counts[labels[logits > rule.seed]] = True
    counts &= stats[:, cv2.CC_STAT_AREA] >= rule.pixels
    counts[0] = False  # the rest of the photo
    return counts[labels]


def enlarged(mask: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    return cv2.resize(mask.view(np.uint8) * np.uint8(255), shape[::-1], interpolation=cv2.INTER_LINEAR) > 127


def count_marks(mask: np.ndarray) -> int:
    """How many separate marks a mask, bool (H, W), has."""
    return cv2.connectedComponents(mask.view(np.uint8), connectivity=8)[0] - 1
