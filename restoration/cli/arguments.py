"""What the command line takes: `python -m restoration --help`."""

import argparse
import os
import sys
from pathlib import Path

import restoration
from restoration.files import decoding
from restoration.inference.damage import MOST_SENSITIVE
from restoration.inference.filling import FILLS

WAYS = """examples:
  %(prog)s restore old.jpg new.png                   find the damage, repair it, add color
  %(prog)s detect old.jpg mask.png                   only find the damage: white = damaged
  %(prog)s restore old.jpg mine.png --mask mask.png  restore with the mask as corrected in a paint program
  %(prog)s restore box/ restored/                    a whole folder; repeat it to resume
  %(prog)s COMMAND --help                            all options of a command
"""
KINDS = "PNG, TIFF, BMP and WebP are lossless, JPEG is not"


def parser() -> argparse.ArgumentParser:
    """The parser of all commands; the parsed `command` is the name of the one chosen."""
    whole = argparse.ArgumentParser(
        prog="python -m restoration" if Path(sys.argv[0]).name == "__main__.py" else "photo-restoration",
        description="Repair damaged gray photos and color them.",
        epilog=WAYS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    whole.add_argument("--version", action="version", version=f"photo-restoration {restoration.__version__}")
    commands = whole.add_subparsers(required=True, metavar="COMMAND", dest="command")

    for add in (_add_restore, _add_detect, _add_damage, _add_evaluate, _add_export, _add_doctor):
        add(commands)
    return whole


def _command(commands, name: str, does: str) -> argparse.ArgumentParser:
    """A command with its summary for the list of commands and for its own help."""
    return commands.add_parser(name, help=does, description=f"{does[0].upper()}{does[1:]}.")


def _add_restore(commands) -> None:
    restore = _command(commands, "restore", "repair and color a photo or a folder of photos")
    restore.add_argument("input", type=_path, metavar="IN", help="photo or folder")
    restore.add_argument("output", type=_out, metavar="OUT", help=f"photo ({KINDS}), or a folder for PNGs")
    restore.add_argument("--mask", type=_path, help="white = damaged: an image, or a folder with the photos' names")
    restore.add_argument("--gray", action="store_true", help="write the repaired photo without color")
    restore.add_argument("--recolor", action="store_true", help="give a color photo new colors, such as a sepia print")
    fill = "textured: invent texture in large holes, from the rest of the photo; smooth: none (default: textured)"
    restore.add_argument("--fill", choices=FILLS, default=FILLS[0], help=fill)
    lends = "color photo of the same people or place, to take colors from"
    restore.add_argument("--reference", type=_path, metavar="FILE", help=lends)
    restore.add_argument("--freshen", action="store_true", help="stretch faded tones; in a color photo, per channel")
    alone = "also restore each print on a scan alone, straightened: OUT-1.png, ..."
    restore.add_argument("--split", action="store_true", help=alone)
    _add_sensitivity(restore)
    _add_weights(restore)
    restore.add_argument("--report", type=_path, metavar="FILE", help="JSON line per photo: time, damage, error")
    _add_folder_options(restore)


def _add_detect(commands) -> None:
    detect = _command(commands, "detect", "detect damage and write it as a mask, white = damaged")
    detect.add_argument("input", type=_path, metavar="IN", help="photo or folder")
    detect.add_argument("output", type=_out, metavar="OUT_MASK", help="a PNG, or a folder for PNGs")
    _add_sensitivity(detect)
    _add_weights(detect)
    _add_folder_options(detect)


def _add_damage(commands) -> None:
    damage = _command(commands, "damage", "damage color photos on purpose, to test restore with evaluate")
    damage.add_argument("input", type=_path, metavar="IN_FOLDER", help="folder of color photos")
    damage.add_argument("output", type=_path, metavar="OUT_FOLDER", help="gets input/, mask/ and gt/ (the originals)")
    damage.add_argument("--seed", type=int, default=0, help="random seed of the holes (default: 0)")
    damage.add_argument("--holes", type=int, default=1, help="largest number of holes per photo (default: 1)")
    _add_overwrite(damage)


def _add_evaluate(commands) -> None:
    evaluate = _command(commands, "evaluate", "compare restored photos with the originals")
    evaluate.add_argument("--pred", type=_path, required=True, help="folder of results")
    evaluate.add_argument("--truth", type=_path, required=True, help="folder of the originals, with the same names")
    evaluate.add_argument("--mask", type=_path, help="folder of masks; without it, only whole-photo metrics")
    evaluate.add_argument("--json", action="store_true", help="one flat JSON object instead of a table")


def _add_export(commands) -> None:
    export = _command(commands, "export", "write models together with the ONNX graphs that OpenVINO runs")
    export.add_argument("output", type=_path, metavar="OUT", help="output folder; may be the weights' own folder")
    _add_weights(export)


def _add_doctor(commands) -> None:
    doctor = _command(commands, "doctor", "print what a bug report needs: versions, weights, memory")
    doctor.add_argument("--weights", type=_path, help="folder (default: the shipped weights)")


def _add_weights(command: argparse.ArgumentParser) -> None:
    command.add_argument("--weights", type=_name, help="folder or hub repository (default: the shipped weights)")


def _add_sensitivity(command: argparse.ArgumentParser) -> None:
    more = "higher finds more damage and more false alarms; at 2 or 3, check what detect marks in faces (default: 0)"
    command.add_argument("--sensitivity", type=int, choices=range(MOST_SENSITIVE + 1), default=0, help=more)


def _add_folder_options(command: argparse.ArgumentParser) -> None:
    _add_overwrite(command)
    most = "refuse photos with more pixels (default: %(default)s)"
    command.add_argument("--max-pixels", type=_pixels, default=decoding.MAX_PIXELS, metavar="N", help=most)


def _add_overwrite(command: argparse.ArgumentParser) -> None:
    command.add_argument("--overwrite", action="store_true", help="replace existing results")


def _name(text: str) -> str:
    if text in ("", "-"):  # an unset variable, else the current folder; a pipe, else a folder of that name
        raise argparse.ArgumentTypeError(f"{text!r} is not the name of a file or folder")
    return text


def _path(text: str) -> Path:
    return Path(_out(text))


def _out(text: str) -> str:
    """A path as text, since a slash at its end marks a folder."""
    return os.path.expanduser(_name(text))


def _pixels(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of pixels")
    return int(text)
