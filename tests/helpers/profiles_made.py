"""ICC profiles made by hand, each with an answer that needs no color management to know."""

import struct

import numpy as np
from PIL import ImageCms


def srgb() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def swapped() -> bytes:
    """sRGB with red and green exchanged: its numbers (r, g, b) are sRGB's (g, r, b)."""
    profile = bytearray(srgb())
    for i in range(struct.unpack(">I", profile[128:132])[0]):
        entry = slice(132 + 12 * i, 136 + 12 * i)
        other = {b"rXYZ": b"gXYZ", b"gXYZ": b"rXYZ"}.get(bytes(profile[entry]))
        profile[entry] = other or profile[entry]
    return bytes(profile)


def linear_gray() -> bytes:
    """Gray levels proportional to light."""
    return _made("scnr", "GRAY", "XYZ ", {"wtpt": _white(), "kTRC": b"curv" + bytes(8)})


def gray(light: np.ndarray) -> bytes:
    """Gray whose levels have each so much light, in [0, 1]."""
    curve = b"curv" + bytes(4) + struct.pack(">I", len(light)) + np.rint(65535 * light).astype(">u2").tobytes()
    return _made("scnr", "GRAY", "XYZ ", {"wtpt": _white(), "kTRC": curve})


def inks() -> bytes:
    """CMYK that looks at black ink alone: CIE lightness falls from 100 without it to 0 with all of it."""
    light = [(0 if black else 255, 128, 128) for _ in range(8) for black in (0, 1)]
    identity = struct.pack(">9i", 65536, 0, 0, 0, 65536, 0, 0, 0, 65536)
    ramp = bytes(range(256))
    table = b"mft1" + bytes(4) + bytes([4, 3, 2, 0]) + identity + 4 * ramp + b"".join(map(bytes, light)) + 3 * ramp
    return _made("prtr", "CMYK", "Lab ", {"wtpt": _white(), "A2B0": table})


def _white() -> bytes:
    return b"XYZ " + bytes(4) + struct.pack(">3i", 63190, 65536, 54061)  # D50


def _made(kind: str, space: str, connection: str, tags: dict[str, bytes]) -> bytes:
    """ICC.1:2001-04: a header of 128 bytes, a table of tags, their data."""
    header = bytearray(128)
    header[8:12] = b"\x02\x40\x00\x00"
    header[12:24] = (kind + space + connection).encode()
    header[36:40] = b"acsp"
    header[68:80] = struct.pack(">3i", 63190, 65536, 54061)
    table, data, place = struct.pack(">I", len(tags)), b"", 132 + 12 * len(tags)
    for name, content in tags.items():
        content += bytes(-len(content) % 4)
        table += name.encode() + struct.pack(">2I", place + len(data), len(content))
        data += content
    header[0:4] = struct.pack(">I", place + len(data))
    return bytes(header) + table + data
