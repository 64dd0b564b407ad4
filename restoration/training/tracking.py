"""What a run writes down, and what it shows: metrics.jsonl, and how far it is."""

import json
import math
import sys
from pathlib import Path
from typing import SupportsFloat

from tqdm import tqdm

from restoration.atomic import replacing

SHOWN = {  # of an epoch's record, on its line
    "train_loss": "loss",
    "validation_loss": "validation loss",
    "hole_psnr": "hole PSNR",
    "contest_score": "contest score",
}
REDRAW, REPEAT = 0.2, 60.0  # seconds, on a terminal and in a file
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
        broken = [key for key, value in record.items() if isinstance(value, float) and not math.isfinite(value)]
        with self.file.open("a") as stream:
            stream.write(_line(record | dict.fromkeys(broken)))


def _line(record: Record) -> str:
    return json.dumps(record) + "\n"


def progress_bar(title: str, share: float = 0.0, quiet: bool = False) -> tqdm:
    """How far one stage of a fold is: a bar that is redrawn often on a terminal, and elsewhere once a minute.

    Args:
        title: what is being trained.
        share: of the stage, in [0, 1], that was done before a run resumed.
        quiet: show nothing, as every process but the first does.
    """
    return tqdm(
        desc=title, total=1.0, initial=share, disable=quiet, file=sys.stdout, dynamic_ncols=True,
        mininterval=REDRAW if sys.stdout.isatty() else REPEAT, miniters=0,
        smoothing=0,  # the mean pace since the start pays for validation too
        bar_format="{desc} {percentage:3.0f}% |{bar}|{postfix}, {remaining} left",
    )  # fmt: skip


def advance(bar: tqdm, share: float, loss: SupportsFloat) -> None:
    """After a step: `share` of the stage is done. A GPU must be waited for to read the loss: only when it is shown."""
    if bar.update(share - bar.n):
        bar.set_postfix_str(f"loss {float(loss):.4g}", refresh=False)


def end_epoch(bar: tqdm, record: Record) -> None:
    """A line that stays, of an epoch's record: its number, counted from 1, its losses, its criterion and its speed."""
    values = [f"{name} {record[key]:.4g}" for key, name in SHOWN.items() if record.get(key) is not None]
    speed = f"{record['photos_per_second']:.1f} photos/s"
    if not bar.disable:
        bar.write(", ".join([f"{bar.desc}: epoch {record['epoch']}", *values, speed]), sys.stdout)
