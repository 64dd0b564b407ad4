"""A generator without chance: what is drawn lies at the same place of every range, so that ranges can be checked."""

import numpy as np


class Ends:
    """Stands in for a `numpy.random.Generator`.

    Args:
        place: 0 = the least of each range, 1 = the most; of a normal distribution one deviation below and above.
        shares: what `random()` answers at first, one after the other; then `place`.
    """

    def __init__(self, place: float, *shares: float):
        self.place, self.shares = float(place), list(shares)

    def random(self, size=None, dtype=float):
        if size is None:
            return self.shares.pop(0) if self.shares else self.place
        return np.full(size, self.place, dtype)

    def uniform(self, low=0.0, high=1.0, size=None):
        return self._sized(np.add(low, self.place * np.subtract(high, low)), size)

    def normal(self, mean=0.0, deviation=1.0, size=None):
        return self._sized(mean + (2 * self.place - 1) * deviation, size)

    def integers(self, low, high=None, size=None):
        low, high = (0, low) if high is None else (low, high)
        return self._sized(np.int64(low + np.rint(self.place * (np.subtract(high, low) - 1))), size)

    def choice(self, values, p=None):
        values = range(values) if isinstance(values, int) else values
        return values[round(self.place * (len(values) - 1))]

    def dirichlet(self, alpha):
        return np.array(alpha) / np.sum(alpha)

    @staticmethod
    def _sized(value, size):
        return value if size is None else np.full(size, value)
