"""What a run writes down, and what it shows: metrics.jsonl, and how far it is."""

import json
import math
import sys
from datetime import timedelta
from pathlib import Path
from time import monotonic
from typing import SupportsFloat

from tqdm import tqdm

from restoration.atomic import replacing

SHOWN = {  # of an epoch's record, on its line
    "train_loss": "loss",
    "validation_loss": "validation loss",
    "hole_psnr": "hole PSNR",
    "contest_score": "contest score",
}
REDRAW, REPEAT = 0.2, 60.0  # seconds from one look at the bar, or one plain line, to the next
Record = dict[str, float | int | str | None]


class MetricsLog:
    """Appends records to `metrics.jsonl`. A resumed run first drops what it is going to write again."""

    def __init__(self, file: Path, resumed_at: int = 0):
        self.file = file
        kept = [_line(record) for record in self.read(file) if record["step"] <= resumed_at]
        with replacing(file) as part:  # killed here, the run still has one whole journal
            part.write_text("".join(kept))

    @staticmethod
    def read(file: Path) -> list[Record]:
        """All whole records of a journal; none where there is no file."""
        lines = file.read_text().split("\n")[:-1] if file.exists() else []  # what no newline ends was cut off
        return [json.loads(line) for line in lines]

    def write(self, **record: float | int | str | None) -> None:
        """Append one record; what is not finite becomes null, since JSON knows no NaN."""
        record = {key: value if _is_finite(value) else None for key, value in record.items()}
        with self.file.open("a") as stream:
            stream.write(_line(record))


def _line(record: Record) -> str:
    return json.dumps(record) + "\n"


def _is_finite(value: float | int | str | None) -> bool:
    return not isinstance(value, float) or math.isfinite(value)


class Progress:
    """How far one stage of a fold is: a bar on a terminal, elsewhere a line an epoch and at most one a minute more.

    Args:
        title: what is being trained.
        epochs: of the whole stage.
        share: of the stage, in [0, 1], that was done before a run resumed.
        quiet: show nothing, as every process but the first does.
    """

    def __init__(self, title: str, epochs: int, share: float = 0.0, quiet: bool = False):
        self.title, self.epochs, self.quiet = title, epochs, quiet
        self.first = self.share = share
        self.photos = self.shown = 0
        self.started = self.shown_at = monotonic()
        self.bar = self._open_bar() if sys.stdout.isatty() and not quiet else None

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, *_) -> None:
        if self.bar is not None:
            self.bar.close()

    def step(self, photos: int, loss: SupportsFloat, share: float) -> None:
        """Count a batch, after which `share` of the stage is done.

        A GPU must be waited for to read the loss: that is done only when it is shown.
        """
        self.photos, self.share = self.photos + photos, share
        pause = monotonic() - self.shown_at
        if self.quiet or pause < (REPEAT if self.bar is None else REDRAW):
            return
        epoch = max(1, math.ceil(self.share * self.epochs - 1e-9))
        text, speed = f"epoch {epoch}/{self.epochs}, loss {float(loss):.4g}", (self.photos - self.shown) / pause
        if self.bar is None:
            self._write(text, speed)
        else:
            self.bar.set_postfix_str(f"{text}, {speed:.1f} photos/s", refresh=False)
            self.bar.update(self.share - self.bar.n)
        self.shown, self.shown_at = self.photos, monotonic()

    def end_epoch(self, record: Record) -> None:
        """Show an epoch's record: its number, counted from 1, its losses, its criterion and its speed."""
        if self.quiet:
            return
        values = [f"{name} {record[key]:.4g}" for key, name in SHOWN.items() if record.get(key) is not None]
        self._write(", ".join([f"epoch {record['epoch']}/{self.epochs}", *values]), record["photos_per_second"])
        self.shown, self.shown_at = self.photos, monotonic()

    def _write(self, text: str, speed: float) -> None:
        line = f"{self.title}: {text}, {speed:.1f} photos/s, {self._time_left()} left"
        if self.bar is None:
            print(line, flush=True)
        else:
            self.bar.update(self.share - self.bar.n)
            self.bar.write(line)

    def _time_left(self) -> timedelta:
        """At the mean pace since the start, which pays for validation too."""
        pace = (monotonic() - self.started) / max(1e-9, self.share - self.first)
        return timedelta(seconds=round(pace * (1 - self.share)))

    def _open_bar(self) -> tqdm:
        shape = "{desc} {percentage:3.0f}% |{bar}|{postfix}, {remaining} left"
        return tqdm(
            desc=self.title, total=1.0, initial=self.share, mininterval=0, bar_format=shape, dynamic_ncols=True,
            file=sys.stdout,
        )  # fmt: skip
