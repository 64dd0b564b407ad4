"""Files that are there whole or not at all, whenever a process is killed or the power goes."""

import hashlib
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def replacing(file: Path) -> Iterator[Path]:
    """`with replacing(file) as part`: write `part`; it becomes `file` only when all went well."""
    part = file.with_name(f"{part_stem(file)}-{secrets.token_hex(4)}.part")
    try:
        yield part
        with open(part, "rb+") as written:
            os.fsync(written)  # a power cut must not find the new name before the new bytes
        os.replace(part, file)
    finally:
        with suppress(OSError):
            part.unlink()


def part_stem(file: Path) -> str:
    """How temporary names of a file begin, up to their hyphen: hidden, and short even where its own name is long."""
    return f".{hashlib.sha256(os.fsencode(file.name)).hexdigest()[:16]}"
