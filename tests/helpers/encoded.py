"""What `write_photo` writes, as bytes."""

from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image

from restoration.files.imaging import Scan, write_photo


def encode_photo(image: Image.Image, ending: str = ".png", scan: Scan | None = None) -> bytes:
    with TemporaryDirectory() as folder:
        write_photo(image, Path(folder) / f"photo{ending}", scan)
        return (Path(folder) / f"photo{ending}").read_bytes()
