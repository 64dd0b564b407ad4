"""The patches over a hole at one size, and the search for the most similar patches in the rest of the photo.

The search is PatchMatch (Barnes et al., "PatchMatch: A Randomized Correspondence Algorithm for Structural Image
Editing", 2009): good matches spread to neighbors and are improved by random search around them. All patches move at
once, so that the work is done on arrays. The cost of a match, beside the difference of the patches:

- the difference in a blurred photo, in which the hole shows the network's fill without any texture;
- the difference of local contrast, which is continued smoothly from the border into the hole. At the coarsest size
  the first matches are chosen without the patches' own difference: a blurry fill would match the flattest places best;
- the distance: nearby sources are likelier to fit;
- how often the source is used, to avoid repetition.

A match's tone is corrected slightly toward the network's fill, so that no seam shows in a calm sky.
"""

import cv2
import numpy as np

from restoration.inference.laplace import membrane

RADIUS = 3  # px of a patch
PASSES = 8  # at each size: searches, each followed by averaging
STRIDES = 2, 2, 2, 1, 1  # px between patches, at full size, half, a quarter and so on
STEPS = 4, 2, 1  # strides to the neighbors whose matches are tried, in three rounds of a search
KNOWN, GUIDE, CONTRAST = 3.0, 0.3, 1.0  # weights in the cost, relative to 1 for a pixel of a patch
DISTANCE, USAGE = 2.0, 10.0  # squared levels of gray in each pixel of a patch, per px of distance and use of a source
TONE = 3  # levels of gray by which a patch is lightened or darkened at most
PART = 512  # patches that are compared together: what is calculated for them stays in a core's cache


class Patches:
    """A hole and its context at one size, and for each patch over the hole its most similar source.

    A place is an index into the flattened picture of this size with a border of RADIUS reflected pixels; a patch is
    identified by the place of its center.
    """

    def __init__(self, fill: np.ndarray, hole: np.ndarray, mask: np.ndarray, power: int):
        self.scale, self.stride = 2**power, STRIDES[min(power, len(STRIDES) - 1)]
        self.image, self.hole, mask = (_reduced(x, self.scale) for x in (fill, hole, mask))
        self.width = self.image.shape[1] + 2 * RADIUS
        self._find_patches(mask)
        if self.sources.size:
            self._find_features(mask)

    def _find_patches(self, mask: np.ndarray) -> None:
        """Where patches are needed, on a grid over the hole, and where complete known patches may be taken."""
        side = np.ones((2 * RADIUS + 1, 2 * RADIUS + 1))
        taken = np.zeros(mask.shape, bool)
        inner = np.s_[RADIUS:-RADIUS, RADIUS:-RADIUS]
        taken[inner] = cv2.dilate(mask.astype(np.uint8), side)[inner] == 0
        self.is_source = np.pad(taken, RADIUS).ravel()
        self.sources = np.flatnonzero(self.is_source)
        wanted = cv2.dilate(self.hole.astype(np.uint8), side)[:: self.stride, :: self.stride] > 0
        self.rows, self.columns = (self.stride * x for x in np.nonzero(wanted))
        self.places = self._place(self.rows, self.columns)
        self.number = np.full(wanted.shape, -1)  # of the patch at each point of the grid
        self.number[wanted] = np.arange(len(self.places))
        self.neighbors = {step: self._neighbors(step) for step in STEPS}

    def _neighbors(self, step: int) -> np.ndarray:
        """The patches that many strides below, above, right and left of each, (n, 4); itself where there is none."""
        row, column = self.rows // self.stride, self.columns // self.stride
        sides = ((step, 0), (-step, 0), (0, step), (0, -step))
        found = np.stack([self.patch_at(row + down, column + right) for down, right in sides], axis=1)
        return np.where(found < 0, np.arange(len(found))[:, None], found)

    def _find_features(self, mask: np.ndarray) -> None:
        """The pictures in which matches are compared, stacked in `features`, and the weights of what is compared."""
        has, self.contrast = _contrasts(self.image, mask)
        self.features = np.stack([_padded(x) for x in (self.image, _blurred(self.image, 1.5), has, self.contrast)])
        size, sparse = self.is_source.size, self._offsets(RADIUS, RADIUS)
        self.patch = self._offsets(RADIUS, 1)[::2]  # a checkerboard: half the work, and matches as good
        self.of_wanted = np.concatenate([self.patch, size + sparse, [3 * size]])
        self.offered = self._offered(np.concatenate([self.patch, size + sparse, [2 * size]]))
        known = _padded(np.where(mask, 1, KNOWN)).ravel()[self.places[:, None] + self.patch]
        others = [GUIDE * len(self.patch) / len(sparse)] * len(sparse) + [CONTRAST * len(self.patch)]
        self.weights = np.sqrt(np.hstack([known, np.tile(others, (len(known), 1))])).astype(np.float32)
        depth = cv2.distanceTransform(self.hole.astype(np.uint8), cv2.DIST_L2, 3)
        self.trust = 1.3 ** -np.minimum(depth[self.rows, self.columns], 20)  # in what lies near known pixels
        holes = np.flatnonzero(np.pad(self.hole, RADIUS))
        self.pixel = np.full(size, len(holes))  # number within the hole at each place; elsewhere one past the last
        self.pixel[holes] = np.arange(len(holes))

    def _offered(self, offsets: np.ndarray) -> np.ndarray:
        """What each place has at these offsets, float32 (places, offsets); beyond the ends, where no source is, theirs.
        No source changes, so this is done once: whole rows are found several times as fast as single pixels."""
        features = self.features.ravel()
        found = np.empty((self.is_source.size, len(offsets)), np.float32)
        for start in range(0, len(found), PART):
            part = found[start : start + PART]
            features.take(np.arange(start, start + len(part))[:, None] + offsets, mode="clip", out=part)
        return found

    def start(self, coarser: "Patches | None") -> None:
        """Take the coarser level's matches at twice its size, and random ones where there are none."""
        rng = np.random.default_rng(0)
        self.matches = self.sources[rng.integers(0, len(self.sources), len(self.places))]
        self.has_inherited, self.is_first = coarser is not None, coarser is None
        if coarser is None:
            return
        ratio = coarser.scale // self.scale
        patches = coarser.patch_at(self.rows // ratio // coarser.stride, self.columns // ratio // coarser.stride)
        row, column = np.divmod(coarser.matches[patches], coarser.width)
        row = self.rows + ratio * (row - RADIUS - coarser.rows[patches])
        column = self.columns + ratio * (column - RADIUS - coarser.columns[patches])
        height, width = self.image.shape
        places = self._place(row.clip(0, height - 1), column.clip(0, width - 1))
        self.matches = np.where((patches >= 0) & self.is_source[places], places, self.matches)
        self._average(np.ones(len(self.places)), self.stride // 2)

    def improve(self, sharp: bool) -> None:
        """Search and average; if `sharp`, finally average only the middles of the patches."""
        for number in range(PASSES):
            cost = self._search(number)
            trust = self.trust * np.exp(-cost / (2 * max(float(np.percentile(cost, 75)), 1e-3))) + 1e-12
            self._average(trust, 1 if sharp and number == PASSES - 1 else RADIUS)
            self.is_first = False

    def _search(self, number: int) -> np.ndarray:
        """Rounds of PatchMatch; returns the cost of each match without the usage term."""
        rng = np.random.default_rng(number)
        far = max(self.image.shape) // (1 if number < 2 else 4)
        is_near = self.has_inherited and self.scale <= 2
        reaches = np.array((16, 2) if is_near else (far, far // 2, far // 4, far // 8, 8, 3, 1))
        wanted = self._wanted()
        for step in STEPS:
            tried = self._candidates(step, reaches, rng)
            self.matches, cost = self._cheapest(tried, self._cost(tried, wanted))
        return cost

    def _wanted(self) -> np.ndarray:
        """What a source is compared with, for each patch, float32 (n, features)."""
        return self.features.take(self.places[:, None] + self.of_wanted)

    def _candidates(self, step: int, reaches: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Places to try for each patch, (n, c): its own, those beside its neighbors' matches, random ones around."""
        near, own = self.neighbors[step], self.matches[:, None]
        beside = self.matches[near] + self.places[:, None] - self.places[near]
        down, right = rng.integers(-reaches, reaches + 1, (2, len(own), len(reaches)))
        found = np.concatenate([own, beside, own + down * self.width + right], axis=1)
        return found.clip(0, self.is_source.size - 1)  # the ends are in the border: no sources

    def _cost(self, tried: np.ndarray, wanted: np.ndarray) -> np.ndarray:
        """Squared difference of each patch to its candidates plus the cost of their distance, float32 (n, c)."""
        cost = np.empty(tried.shape, np.float32)
        for start in range(0, len(tried), PART):
            part = np.s_[start : start + PART]
            difference = self.offered.take(tried[part], axis=0)
            difference -= wanted[part, None]
            difference *= self.weights[part, None]
            if self.is_first:
                difference[..., : len(self.patch)] = 0
            np.einsum("nck,nck->nc", difference, difference, out=cost[part])
        down = tried // self.width - self.places[:, None] // self.width
        right = tried - self.places[:, None] - down * self.width
        distance = np.sqrt((down * down + right * right).astype(np.float32))
        return cost + DISTANCE * len(self.patch) * self.scale * distance

    def _cheapest(self, tried: np.ndarray, cost: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The best candidate (n, c) for each patch, others' use of it included, and its cost without that."""
        usage = np.bincount(self.matches, minlength=self.is_source.size).astype(np.float32)
        total = cost + USAGE * len(self.patch) * usage[tried]
        total[:, 0] -= USAGE * len(self.patch)  # its own use does not count
        best = np.where(self.is_source[tried], total, np.inf).argmin(axis=1)[:, None]
        return np.take_along_axis(tried, best, 1)[:, 0], np.take_along_axis(cost, best, 1)[:, 0]

    def _average(self, weights: np.ndarray, radius: int) -> None:
        """Set each pixel of the hole to the weighted mean of what the patches within `radius` of it suggest."""
        offsets, image, count = self._offsets(radius, 1), self.features[0].ravel(), np.count_nonzero(self.hole)
        pixel = self.pixel[self.places[:, None] + offsets]
        weights = np.broadcast_to(weights[:, None], pixel.shape)
        guide, sparse = self.features[1].ravel(), self._offsets(RADIUS, RADIUS)
        lighter = guide[self.places[:, None] + sparse] - guide[self.matches[:, None] + sparse]
        tone = lighter.mean(axis=1, keepdims=True)
        suggested = weights * (image[self.matches[:, None] + offsets] + tone.clip(-TONE, TONE))
        total = np.bincount(pixel.ravel(), weights.ravel(), count + 1)[:count]
        summed = np.bincount(pixel.ravel(), suggested.ravel(), count + 1)[:count]
        self.image[self.hole] = summed / total  # every pixel has at least one patch
        self.features[0] = _padded(self.image)

    def patch_at(self, row: np.ndarray, column: np.ndarray) -> np.ndarray:
        """The numbers of the patches at points of the grid, clipped to its edge; -1 where there are none."""
        height, width = self.number.shape
        return self.number[row.clip(0, height - 1), column.clip(0, width - 1)]

    def _place(self, row: np.ndarray, column: np.ndarray) -> np.ndarray:
        return (row + RADIUS) * self.width + column + RADIUS

    def _offsets(self, radius: int, step: int) -> np.ndarray:
        """Offsets from the center of a patch to its pixels, or to every `step`th of them."""
        line = np.arange(-radius, radius + 1, step)
        return (line[:, None] * self.width + line).ravel()


def _reduced(x: np.ndarray, scale: int) -> np.ndarray:
    """A photo as float32, or a mask: where any of it is masked."""
    size = -(-x.shape[1] // scale), -(-x.shape[0] // scale)
    small = cv2.resize(x.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    return small > 0.01 if x.dtype == bool else small


def _contrasts(image: np.ndarray, mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Local standard deviation of the photo's detail, continued smoothly into the mask."""
    detail = image - _blurred(image, 2)
    clean = (cv2.dilate(mask.astype(np.uint8), np.ones((7, 7))) == 0).astype(np.float32)  # without the fill's detail
    share = _blurred(clean, 3)
    has = np.sqrt(_blurred(detail * detail * clean, 3) / np.maximum(share, 1e-3))
    return has, membrane(has, mask | (share < 0.3))


def _blurred(x: np.ndarray, sigma: float) -> np.ndarray:
    return cv2.GaussianBlur(x, (0, 0), sigma)


def _padded(x: np.ndarray) -> np.ndarray:
    return cv2.copyMakeBorder(x, RADIUS, RADIUS, RADIUS, RADIUS, cv2.BORDER_REFLECT_101)
