"""Pillow's warnings kept from users, in any number of threads."""

import contextlib
import threading
import warnings


class _WithoutWarnings(contextlib.AbstractContextManager):
    """Ignores warnings while any thread is inside; of two threads in `catch_warnings` one leaves its filters behind."""

    def __init__(self):
        self._lock, self._inside = threading.Lock(), 0

    def __enter__(self) -> None:
        with self._lock:
            if not self._inside:
                self._before = warnings.catch_warnings()
                self._before.__enter__()
                warnings.simplefilter("ignore")
            self._inside += 1

    def __exit__(self, *error: object) -> None:
        with self._lock:
            self._inside -= 1
            if not self._inside:
                self._before.__exit__(*error)


without_warnings = _WithoutWarnings()
