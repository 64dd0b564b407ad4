"""One photo, or a print on a scan, while it is worked on: marks, undo, and what was made of it."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from PIL import Image

from demo import marks
from demo.marks import Change, Mask
from demo.stages import Stages
from restoration.files.imaging import Scan
from restoration.pipeline import Damage, Repair, Restoration, ScanDamage

UNDO = 30  # changes of a mask
NEWS = 0.02  # of a stroke: if less than this is newly marked, the whole stroke counts
CHOSEN = ("dabs", "recolor", "texture", "reference", "vividness", "variant", "freshen")


@dataclass(frozen=True)
class Search:
    """The state of the search for damage."""

    found: Mask  # everything found so far, even if erased since
    sensitivity: float = 0  # of the last search
    new: Mask | None = None  # what it added, until the photo is restored


@dataclass
class EditState:
    """The state of one photo being edited. All masks are bool (H, W), True = damaged."""

    name: str  # of the visitor's file, without its extension; for a print with its number
    scan: Scan  # the photo, and what its file adds to the result
    damage: Damage | ScanDamage  # what was found in it
    mask: Mask  # what is marked as damaged
    small: Image.Image  # the photo's preview
    shown: str  # the preview's file
    search: Search
    history: list[tuple[Change, Search]] = field(default_factory=list)  # of mask and search, undone from the end
    dabs: list[dict] = field(default_factory=list)  # strokes of color
    is_tinted: bool = False  # a gray photo on tinted paper
    recolor: bool = False  # a color photo is treated as a gray one
    texture: bool = True  # fills get texture
    reference: Image.Image | None = None  # a photo whose colors are used
    repair: Repair | None = None
    repaired: Mask | None = None  # the mask at that time
    restored: Restoration | None = None
    vividness: float = 1.0
    variant: int = 0  # the number of the chosen coloring
    freshen: bool = False  # faded tones are stretched
    is_corrected: bool = False  # by hand, and its batch does not have that yet

    @property
    def photo(self) -> Image.Image:
        """L or RGB, upright."""
        return self.scan.image

    @property
    def keeps_colors(self) -> bool:
        """Whether only marked areas get new colors."""
        return self.photo.mode == "RGB" and not self.recolor

    @property
    def toned(self) -> Restoration:
        """The restoration, with tones stretched if chosen."""
        return self.restored.freshened() if self.freshen else self.restored

    @property
    def needs_work(self) -> bool:
        """Whether there is anything to repair or to color."""
        return not self.keeps_colors or bool(self.mask.any())

    @property
    def new(self) -> Mask:
        """What the last search found and is still marked."""
        return np.zeros_like(self.mask) if self.search.new is None else self.search.new & self.mask

    @property
    def is_repaired(self) -> bool:
        """Whether the current marks are those that were repaired."""
        return self.repaired is not None and np.array_equal(self.mask, self.repaired)

    @property
    def is_unrestored(self) -> bool:
        """Whether marks were changed by hand that are to be restored."""
        return bool(self.history) and self.needs_work and not self.is_repaired

    def fitted(self, stroke: dict, drawn: Mask) -> tuple[Mask, str]:
        """What a stroke, drawn as a mask, marks of it or around, and the key of what is said of that."""
        gray = np.asarray(self.photo.convert("L"))
        taken, said = self.damage.snap(drawn, gray), "fitted_stroke"
        if marks.is_tap(stroke):
            taken, said = self.damage.follow(taken, gray), "followed_tap"
        is_news = np.count_nonzero(taken & ~self.mask) >= NEWS * np.count_nonzero(drawn)
        return (taken, said) if is_news and not np.array_equal(taken, drawn) else (drawn, "whole_stroke")

    def restore(self, stages: Stages, tell: Callable[[float, str], None]) -> None:
        """Fill what is marked, and color; `tell` is called with the share done and the key of what is next."""
        photo, mask = self.photo if self.keeps_colors else self.photo.convert("L"), self.mask
        tell(0.1, "filling")
        repair = stages.repair(photo, mask, 0, "textured" if self.texture else "smooth")
        tell(0.6, "coloring")
        hints = marks.colored(self.dabs, self.photo.size)
        self.restored = stages.colorize(repair, hints, self.reference, self.restored)
        self.repair, self.repaired = repair, mask
        self.variant = 0 if self.restored.own else self.variant
        self.is_corrected = True

    def by_hand(self) -> dict[str, object]:
        """What was marked and chosen, in little memory."""
        return {"marks": Change(self.mask, self.damage.mask(0)), **{name: getattr(self, name) for name in CHOSEN}}

    def take_up(self, marks: Change, **chosen: object) -> None:
        """Go on, in the same photo opened anew, from what `by_hand` gave."""
        self.mask = marks.undone(self.mask)
        vars(self).update(chosen)

    def mark(self, mask: Mask, search: Search | None = None) -> None:
        """Replace the marks, by hand or after a search; the last UNDO changes can be undone."""
        self.history = [*self.history, (Change(self.mask, mask), self.search)][-UNDO:]
        self.mask, self.search = mask, search or self.search

    def undo(self) -> None:
        """Undo the last change, if there is one."""
        if self.history:
            change, self.search = self.history.pop()
            self.mask = change.undone(self.mask)
