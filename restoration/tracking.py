"""What a run writes down: one JSON line a validation, always."""

import json
import time
from pathlib import Path


class Journal:
    """Appends records to `metrics.jsonl`. A resumed run first drops what it is going to write again."""

    def __init__(self, file: Path, resumed_at: int = 0):
        self.file = file
        self.started = time.monotonic()
        kept = [r for r in self.read(file) if r["step"] <= resumed_at]
        file.write_text("".join(json.dumps(record) + "\n" for record in kept))

    @staticmethod
    def read(file: Path) -> list[dict]:
        """All records of a journal; empty where there is none."""
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []

    def write(self, **record) -> None:
        """Append one record and show it on the terminal."""
        with self.file.open("a") as stream:
            stream.write(json.dumps(record) + "\n")
        shown = (
            f"{key} {value:.4g}" if isinstance(value, float) else f"{key} {value}" for key, value in record.items()
        )
        print("  ".join(shown), flush=True)
