"""What a run records and shows: metrics.jsonl, and the progress bar."""

import json
import math
import sys
from pathlib import Path
from typing import SupportsFloat

from tqdm import tqdm

from restoration.atomic import replacing

SHOWN = {  # parts of an epoch's record that are shown
    "train_loss": "loss",
    "validation_loss": "validation loss",
    "hole_psnr": "hole PSNR",
    "contest_score": "contest score",
}
REDRAW, REPEAT = 0.2, 60.0  # seconds, on a terminal and in a file
Record = dict[str, float | int | str | None]


class MetricsLog:
    """Appends records to `metrics.jsonl`. A resumed run first drops those that it will write again."""

    def __init__(self, file: Path, resumed_at: int = 0):
        self.file = file
        kept = [_line(record) for record in self.read(file) if record["step"] <= resumed_at]
        with replacing(file) as part:  # if killed here, the run still has a complete journal
            part.write_text("".join(kept))

    @staticmethod
    def read(file: Path) -> list[Record]:
        """All complete records of a journal; none if there is no file."""
        lines = file.read_text().split("\n")[:-1] if file.exists() else []  # a line without a newline was cut off
        return [json.loads(line) for line in lines]

    def write(self, **record: float | int | str | None) -> None:
        """Append one record; non-finite values become null, since JSON has no NaN."""
        broken = [key for key, value in record.items() if isinstance(value, float) and not math.isfinite(value)]
        with self.file.open("a") as stream:
            stream.write(_line(record | dict.fromkeys(broken)))


def _line(record: Record) -> str:
    return json.dumps(record) + "\n"


def progress_bar(title: str, share: float = 0.0, quiet: bool = False) -> tqdm:
    """The progress of one stage of a fold: a bar that is redrawn often on a terminal, once a minute elsewhere.

    Args:
        title: what is being trained.
        share: of the stage, in [0, 1], done before the run was resumed.
        quiet: show nothing, for all processes but the first.
    """
    return tqdm(
        desc=title, total=1.0, initial=share, disable=quiet, file=sys.stdout, dynamic_ncols=True,
        mininterval=REDRAW if sys.stdout.isatty() else REPEAT, miniters=0,
        smoothing=0,  # the mean pace since the start includes validation
        bar_format="{desc} {percentage:3.0f}% |{bar}|{postfix}, {remaining} left",
    )  # fmt: skip


def advance(bar: tqdm, share: float, loss: SupportsFloat) -> None:
    """After a step: `share` of the stage is done. Reading the loss waits for a GPU, so it is read only when shown."""
    if bar.update(share - bar.n):
        bar.set_postfix_str(f"loss {float(loss):.4g}", refresh=False)


def end_epoch(bar: tqdm, record: Record) -> None:
    """Print a permanent line for an epoch: its number, counted from 1, its losses, criterion and speed."""
    values = [f"{name} {record[key]:.4g}" for key, name in SHOWN.items() if record.get(key) is not None]
    speed = f"{record['photos_per_second']:.1f} photos/s"
    if not bar.disable:
        bar.write(", ".join([f"{bar.desc}: epoch {record['epoch']}", *values, speed]), sys.stdout)
