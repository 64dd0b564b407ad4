"""Files that are written whole or not at all, even if the process is killed or the power fails."""

import hashlib
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(file: Path) -> Iterator[Path]:
    """`with replacing(file) as part`: write `part`; it becomes `file` only if the block succeeds."""
    part = file.with_name(f"{part_stem(file)}-{secrets.token_hex(4)}.part")
    try:
        yield part
        with open(part, "rb+") as written:
            os.fsync(written)  # a power cut must not find the new name before the new bytes
        os.replace(part, file)
    finally:
        part.unlink(missing_ok=True)


def part_stem(file: Path) -> str:
    """The start of a file's temporary names, up to the hyphen: hidden, and short even if its own name is long."""
    return f".{hashlib.sha256(os.fsencode(file.name)).hexdigest()[:16]}"
