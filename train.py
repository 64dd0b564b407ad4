"""Train one stage on a folder of photos.

    python train.py --stage inpaint --data photos --out runs/first/inpaint
    python train.py --stage color --data photos --out runs/first/color

The same command again goes on where a stopped run was. Every field of
`restoration.config.TrainConfig` is an option; `python train.py --help` lists them.
"""

import argparse
import dataclasses
import sys
import typing

from restoration.config import TrainConfig


def main() -> int:
    """Parse the command line into a TrainConfig and run it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for field in dataclasses.fields(TrainConfig):
        _add_option(parser, field)
    config = TrainConfig(**vars(parser.parse_args()))
    from restoration import training  # after parsing: --help and a typing error need no torch

    try:
        training.run(config)
    except ValueError as error:
        print(f"train.py: {error}", file=sys.stderr)
        return 1
    return 0


def _add_option(parser: argparse.ArgumentParser, field: dataclasses.Field) -> None:
    kind, name = field.type, "--" + field.name.replace("_", "-")
    required = field.default is dataclasses.MISSING
    if typing.get_origin(kind) is typing.Literal:
        parser.add_argument(name, required=required, choices=typing.get_args(kind))
    elif typing.get_origin(kind) is tuple:
        parser.add_argument(name, nargs="+", type=int, default=field.default, metavar="N")
    else:
        convert = str if kind == str | None else kind
        shown = "" if required else f"default {field.default}"
        parser.add_argument(
            name, required=required, type=convert, default=None if required else field.default, help=shown
        )


if __name__ == "__main__":
    sys.exit(main())
