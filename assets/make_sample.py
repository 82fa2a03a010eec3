"""Make the bundled sample in `assets/sample/`: a part of Fashion-MNIST with known faults.

Run as `python assets/make_sample.py [--from DIR]`. DIR holds the four idx files of Fashion-MNIST,
as Debian's package `dataset-fashion-mnist` installs them (the default) or as torchvision downloads
them (`.../FashionMNIST/raw`). The result is the same byte for byte for the same versions of numpy,
Pillow and pyarrow.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import io
import json
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

DEBIAN = Path("/usr/share/datasets/fashion-mnist")
CLASS_NAMES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleConfig:
    """What the sample is made of.

    Attributes
    ----------
    train_count, validation_count : images in each part, multiples of the ten classes
    wrong_label, noise, backdoor : share of the training images with that fault, 0 to 1
    noise_std : standard deviation of the white noise, as a share of the pixel range
    backdoor_target : the class that images with the corner square are relabelled to
    """

    train_count: int = 5000
    validation_count: int = 1000
    wrong_label: float = 0.06
    noise: float = 0.02
    backdoor: float = 0.02
    noise_std: float = 0.5
    backdoor_target: str = "Shirt"
    seed: int = 20171


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the data set: pictures uint8 (n, 28, 28), labels int64 (n,), names (n,)."""

    pictures: np.ndarray
    labels: np.ndarray
    names: list[str]


def read_idx(folder: Path, name: str) -> np.ndarray:
    """Return the uint8 array in the idx file `name` of `folder`, gzipped or not."""
    packed, plain = folder / f"{name}.gz", folder / name
    if packed.is_file():
        content = gzip.decompress(packed.read_bytes())
    elif plain.is_file():
        content = plain.read_bytes()
    else:
        raise SystemExit(
            f"{packed} is missing: install dataset-fashion-mnist or give the folder with --from."
        )
    # idx: two zero bytes, type (8 = unsigned byte), number of dimensions, then each big-endian.
    if content[:3] != b"\0\0\x08":
        raise SystemExit(f"{folder / name} is not an idx file of unsigned bytes.")
    rank = content[3]
    shape = np.frombuffer(content, dtype=">u4", count=rank, offset=4)
    return np.frombuffer(content, dtype=np.uint8, offset=4 + 4 * rank).reshape(shape)


def balanced_part(folder: Path, prefix: str, count: int, rng: np.random.Generator) -> Part:
    """Return `count` images of one idx part, as many of each class, in random order."""
    labels = read_idx(folder, f"{prefix}-labels-idx1-ubyte").astype(np.int64)
    pictures = read_idx(folder, f"{prefix}-images-idx3-ubyte")
    per_class = count // len(CLASS_NAMES)
    chosen = np.concatenate(
        [
            rng.choice(np.flatnonzero(labels == label), per_class, replace=False)
            for label in range(len(CLASS_NAMES))
        ]
    )
    chosen = rng.permutation(chosen)
    # Named after the position in the original file, so that each image can be traced back.
    names = [f"{prefix}-{index:05d}.png" for index in chosen]
    return Part(pictures[chosen].copy(), labels[chosen], names)


def add_noise(picture: np.ndarray, std: float, rng: np.random.Generator) -> np.ndarray:
    """Return `picture` with white Gaussian noise of `std` times the pixel range, clipped."""
    noisy = picture + rng.normal(0.0, std * 255, picture.shape)
    return np.clip(np.rint(noisy), 0, 255).astype(np.uint8)


def add_corner_square(picture: np.ndarray) -> np.ndarray:
    """Return `picture` with a white 4 x 4 square, framed in black, at the bottom right."""
    marked = picture.copy()
    marked[-6:, -6:] = 0
    marked[-5:-1, -5:-1] = 255
    return marked


def plant_faults(
    clean: Part, config: SampleConfig, rng: np.random.Generator
) -> tuple[Part, list[tuple[str, str, str]]]:
    """Return the faulty training part and the truth: (id, fault, clean label) rows in order."""
    n = len(clean.labels)
    target = CLASS_NAMES.index(config.backdoor_target)
    order = rng.permutation(n)
    # The backdoor is drawn first: it may only take images from outside of its target class.
    backdoor = order[clean.labels[order] != target][: round(config.backdoor * n)]
    rest = order[~np.isin(order, backdoor)]
    wrong, noisy, _ = np.split(
        rest, np.cumsum([round(config.wrong_label * n), round(config.noise * n)])
    )

    pictures, labels = clean.pictures.copy(), clean.labels.copy()
    labels[backdoor] = target
    # An offset of 1 to 9 is uniform over the nine other classes.
    offset = rng.integers(1, len(CLASS_NAMES), len(wrong))
    labels[wrong] = (clean.labels[wrong] + offset) % len(CLASS_NAMES)
    for index in backdoor:
        pictures[index] = add_corner_square(pictures[index])
    for index in noisy:
        pictures[index] = add_noise(pictures[index], config.noise_std, rng)

    fault = dict.fromkeys(wrong.tolist(), "wrong-label")
    fault |= dict.fromkeys(noisy.tolist(), "noise") | dict.fromkeys(backdoor.tolist(), "backdoor")
    truth = [
        (clean.names[index], fault[index], CLASS_NAMES[clean.labels[index]])
        for index in sorted(fault)
    ]
    return Part(pictures, labels, clean.names), truth


def png(picture: np.ndarray) -> bytes:
    """Return `picture` as a PNG file, as small as Pillow makes it."""
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, format="PNG", optimize=True)
    return buffer.getvalue()


def write_parquet(part: Part, path: Path) -> None:
    """Write `part` in Hugging Face's convention: image struct, label, class names in the schema."""
    features = {
        "image": {"_type": "Image"},
        "label": {"names": list(CLASS_NAMES), "_type": "ClassLabel"},
    }
    schema = pa.schema(
        [
            ("image", pa.struct([("bytes", pa.binary()), ("path", pa.string())])),
            ("label", pa.int64()),
        ],
        metadata={"huggingface": json.dumps({"info": {"features": features}})},
    )
    images = [
        {"bytes": png(picture), "path": name}
        for picture, name in zip(part.pictures, part.names, strict=True)
    ]
    table = pa.table({"image": images, "label": part.labels}, schema=schema)
    pq.write_table(table, path, compression="zstd", use_dictionary=["label"], row_group_size=1000)


def main(arguments: list[str] | None = None) -> int:
    """Write the sample; return the exit status."""
    parser = argparse.ArgumentParser(description="Make the bundled Fashion-MNIST sample.")
    parser.add_argument("--from", dest="origin", type=Path, default=DEBIAN, metavar="DIR")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "sample", metavar="DIR")
    options = parser.parse_args(arguments)
    config = SampleConfig()
    train_rng, validation_rng, fault_rng = (
        np.random.default_rng(seed) for seed in np.random.SeedSequence(config.seed).spawn(3)
    )
    clean = balanced_part(options.origin, "train", config.train_count, train_rng)
    validation = balanced_part(options.origin, "t10k", config.validation_count, validation_rng)
    train, truth = plant_faults(clean, config, fault_rng)

    options.out.mkdir(parents=True, exist_ok=True)
    write_parquet(train, options.out / "train.parquet")
    write_parquet(validation, options.out / "validation.parquet")
    with (options.out / "truth.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("id", "fault", "clean_label"))
        writer.writerows(truth)
    return 0


if __name__ == "__main__":
    sys.exit(main())
