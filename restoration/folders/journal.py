"""The report of a folder's run: one JSON line per photo, however often the run is resumed."""

import contextlib
import json
from collections.abc import Collection
from pathlib import Path

from restoration.atomic import replacing
from restoration.errors import RestorationError
from restoration.folders.sharding import Share


class Journal:
    """`photo`, `result`, `seconds`, `width`, `height`, `damaged` (a share of the pixels), `notes`, `error`.

    Several processes write separate files, since not every file system appends safely: `report.jsonl` becomes
    `report.3.jsonl` for the fourth. The next run retries photos that failed and drops their lines.
    """

    def __init__(self, file: Path, share: Share, redone: Collection[str] = ()):
        """Continue a report without the lines of the photos that are `redone`."""
        self.file = file if share.count == 1 else file.with_suffix(f".{share.index}{file.suffix}")
        kept = [line for line in self._read() if line["photo"] not in redone] if self.file.exists() else []
        self.known = {line["photo"] for line in kept}
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            with replacing(self.file) as part:
                part.write_text("".join(map(_line, kept)))
            self._opened = self.file.open("a", buffering=1)
        except OSError as error:
            raise RestorationError(f"{self.file} cannot be written: {error.strerror}.") from error

    def _read(self) -> list[dict]:
        """Lines of photos that succeeded; a line that a killed process left unfinished is dropped."""
        text, found = self.file.read_text(errors="replace"), []
        for line in text.splitlines():
            with contextlib.suppress(json.JSONDecodeError):
                found.append(json.loads(line))
        begun = text.startswith('{"photo": "')  # the first line may be the unfinished one
        if text and not (begun and all(isinstance(line, dict) and "photo" in line for line in found)):
            raise RestorationError(f"{self.file} is not a report; choose another file or delete it.")
        return [line for line in found if line.get("error") is None]

    def add(self, **entry) -> None:
        """Write one photo's line."""
        self._opened.write(_line(entry))
        self.known.add(entry["photo"])

    def close(self) -> None:
        """Close the file."""
        self._opened.close()


def _line(entry: dict) -> str:
    return json.dumps(entry) + "\n"
