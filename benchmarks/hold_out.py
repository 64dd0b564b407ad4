"""Choose the photos that no training may see: `python benchmarks/hold_out.py --data DIR > benchmarks/heldout.tsv`.

Run once, and kept: figures of different weights compare only on the same photos. Photos are drawn
among those that have no near-duplicate in the whole collection, so leaving them out of training
leaves their look-alikes out too.
"""

import argparse
import hashlib
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))  # runs on a fresh clone, not installed

from restoration.color import luma
from restoration.data.photos import Photos, perceptual_hash
from restoration.data.splits import near_duplicates


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, help="folder of photos or .tar shards")
    parser.add_argument("--photos", type=int, default=300)
    parser.add_argument("--short-side", type=int, default=256, help="draw among photos of this shorter side")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()

    photos = Photos.find(args.data)
    hashes, mirrored, fits = [], [], []
    for rgb in (photos[i] for i in range(len(photos))):
        gray = luma(rgb)
        hashes.append(perceptual_hash(gray))
        mirrored.append(perceptual_hash(gray[:, ::-1]))
        fits.append(min(gray.shape) == args.short_side and not np.array_equal(rgb[..., 0], rgb[..., 2]))
    group = near_duplicates(hashes, mirrored)
    alone = np.bincount(group, minlength=len(photos))[group] == 1
    chosen = np.random.default_rng(args.seed).permutation(np.flatnonzero(alone & np.array(fits)))[: args.photos]

    print("name", "source", "sha256", sep="\t")
    for entry in sorted((photos.entries[i] for i in chosen), key=lambda entry: entry.name):
        digest = hashlib.sha256(entry.read()).hexdigest()
        print(entry.name, entry.name.rsplit("-", 1)[0], digest, sep="\t")


if __name__ == "__main__":
    main()
