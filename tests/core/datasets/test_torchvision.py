"""Data sets by name: small ones in the official layout, with their checksums put in the table."""

from __future__ import annotations

import gzip
import hashlib
import pickle
import struct
from pathlib import Path
from types import ModuleType
from urllib.error import URLError

import numpy as np
import pytest
from PIL import Image
from scipy.io import savemat

from core.datasets import drop_unreadable, open_source, source_kind
from core.errors import DataError
from core.vision import import_torchvision
from tests.core.datasets.files import png

DEBIAN = Path("/usr/share/datasets/fashion-mnist")
PIXELS = np.random.default_rng(0).integers(0, 256, (6, 32, 32, 3), dtype=np.uint8)
LABELS = [3, 1, 4, 1, 5, 0]


@pytest.fixture
def official() -> ModuleType:
    return import_torchvision("datasets")


def md5(file: Path) -> str:
    return hashlib.md5(file.read_bytes(), usedforsecurity=False).hexdigest()


def write_cifar(root: Path, kind: type, patch: pytest.MonkeyPatch) -> Path:
    folder = root / kind.base_folder
    folder.mkdir(parents=True)
    key = "fine_labels" if kind.__name__ == "CIFAR100" else "labels"
    names = [f"class {i}" for i in range(10)]
    parts = {}
    for split, rows in (("train", slice(0, 4)), ("test", slice(4, 6))):
        file = folder / split
        flat = PIXELS[rows].transpose(0, 3, 1, 2).reshape(-1, 3072)
        file.write_bytes(pickle.dumps({"data": flat, key: LABELS[rows]}))
        parts[split] = [[split, md5(file)]]
    (folder / "names").write_bytes(pickle.dumps({"names": names}))
    patch.setattr(kind, "train_list", parts["train"])
    patch.setattr(kind, "test_list", parts["test"])
    patch.setattr(kind, "meta", {"filename": "names", "key": "names", "md5": md5(folder / "names")})
    return folder


def idx(values: np.ndarray) -> bytes:
    head = struct.pack(f">I{values.ndim}I", 0x0800 + values.ndim, *values.shape)
    return head + values.astype(np.uint8).tobytes()


@pytest.mark.parametrize("name", ["CIFAR10", "CIFAR100"])
def test_cifar_is_read_as_it_was_published(tmp_path, official, monkeypatch, name):
    write_cifar(tmp_path, getattr(official, name), monkeypatch)
    train = open_source(f"torchvision:{name}:train#root={tmp_path}")
    assert train.labels.tolist() == LABELS[:4]
    assert train.class_names[:2] == ("class 0", "class 1")
    assert np.array_equal(np.asarray(train.images.decode(2)), PIXELS[2])
    test = open_source(f"torchvision:{name.lower()}:test#root={tmp_path}")
    assert test.labels.tolist() == LABELS[4:]
    assert not set(train.ids) & set(test.ids)


def test_ids_are_what_the_pictures_show_and_the_source_opens_from_any_folder(
    tmp_path, official, monkeypatch
):
    write_cifar(tmp_path / "data", official.CIFAR10, monkeypatch)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ASSAY_DATA", "data")
    data = open_source("torchvision:CIFAR10:train")
    monkeypatch.delenv("ASSAY_DATA")
    monkeypatch.chdir("/")
    assert data.source == f"torchvision:CIFAR10:train#root={tmp_path / 'data'}"
    assert open_source(data.source).ids.tolist() == data.ids.tolist()
    np.savez(tmp_path / "same.npz", images=PIXELS[:4], labels=LABELS[:4])
    assert open_source(str(tmp_path / "same.npz")).ids.tolist() == data.ids.tolist()


class Evil:
    """What unpickling it does is seen by a file."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self):
        return (Path.touch, (self.file,))


@pytest.mark.parametrize("file", ["train", "test", "names"])
def test_a_file_that_is_not_the_official_one_is_not_unpickled(
    tmp_path, official, monkeypatch, file
):
    folder = write_cifar(tmp_path, official.CIFAR10, monkeypatch)
    (folder / file).write_bytes(pickle.dumps(Evil(tmp_path / "owned")))
    with pytest.raises(DataError, match="not complete, or not the official one"):
        open_source(f"torchvision:CIFAR10:train#root={tmp_path}")
    assert not (tmp_path / "owned").exists()


@pytest.mark.parametrize("name", ["MNIST", "FashionMNIST"])
def test_files_of_bytes_are_read_unpacked_and_as_distributions_pack_them(
    tmp_path, official, monkeypatch, name
):
    gray = PIXELS[..., 0][:, :28, :28]
    unpacked, packed = tmp_path / "data" / name / "raw", tmp_path / "packed"
    unpacked.mkdir(parents=True)
    packed.mkdir()
    resources = []
    for stem, rows in (("train", slice(0, 4)), ("t10k", slice(4, 6))):
        for end, values in (("images-idx3", gray[rows]), ("labels-idx1", np.array(LABELS[rows]))):
            (unpacked / f"{stem}-{end}-ubyte").write_bytes(idx(values))
            file = packed / f"{stem}-{end}-ubyte.gz"
            file.write_bytes(gzip.compress(idx(values)))
            resources.append((file.name, md5(file)))
    monkeypatch.setattr(getattr(official, name), "resources", resources)
    for root in (tmp_path / "data", packed):
        data = open_source(f"torchvision:{name}:test#root={root}")
        assert data.labels.tolist() == LABELS[4:]
        assert np.array_equal(np.asarray(data.images.decode(1)), gray[5])
        assert data.class_names[0] == ("0" if name == "MNIST" else "T-shirt/top")
    assert len(list(packed.iterdir())) == 4, "nothing is written into the folder"
    whole = file.read_bytes()
    file.write_bytes(whole[:-6])
    with pytest.raises(DataError, match=r"t10k-labels.* it cannot be unpacked"):
        open_source(f"torchvision:{name}:test#root={packed}")
    file.write_bytes(gzip.compress(b"something else"))
    with pytest.raises(DataError, match=f"{name} is not there, not complete"):
        open_source(f"torchvision:{name}:test#root={packed}")


def test_tensors_that_an_old_torchvision_left_are_not_loaded(tmp_path, official):
    old = tmp_path / "MNIST" / "processed"
    old.mkdir(parents=True)
    for name in ("training.pt", "test.pt"):
        (old / name).write_bytes(pickle.dumps(Evil(tmp_path / "owned")))
    with pytest.raises(DataError, match="MNIST is not there"):
        open_source(f"torchvision:MNIST:train#root={tmp_path}")
    assert not (tmp_path / "owned").exists()


def test_svhn_has_digits_and_its_third_split(tmp_path, official, monkeypatch):
    table = {}
    for split in ("train", "test", "extra"):
        file = tmp_path / f"{split}_32x32.mat"
        labels = np.array([[10 if label == 0 else label] for label in LABELS])
        savemat(file, {"X": PIXELS.transpose(1, 2, 3, 0), "y": labels})
        table[split] = ["", file.name, md5(file)]
    monkeypatch.setattr(official.SVHN, "split_list", table)
    data = open_source(f"torchvision:SVHN:extra#root={tmp_path}")
    assert data.labels.tolist() == LABELS
    assert data.class_names == tuple("0123456789")
    assert np.array_equal(np.asarray(data.images.decode(5)), PIXELS[5])


def test_stl10_brings_the_names_of_its_classes(tmp_path, official, monkeypatch):
    folder = tmp_path / "stl10_binary"
    folder.mkdir()
    pixels = np.random.default_rng(1).integers(0, 256, (6, 96, 96, 3), dtype=np.uint8)
    for split, rows in (("train", slice(0, 4)), ("test", slice(4, 6))):
        (folder / f"{split}_X.bin").write_bytes(pixels[rows].transpose(0, 3, 2, 1).tobytes())
        (folder / f"{split}_y.bin").write_bytes(bytes(label + 1 for label in LABELS[rows]))
        files = [[f.name, md5(f)] for f in (folder / f"{split}_X.bin", folder / f"{split}_y.bin")]
        monkeypatch.setattr(official.STL10, f"{split}_list", files)
    (folder / "class_names.txt").write_text("\n".join(f"class {i}" for i in range(10)))
    data = open_source(f"torchvision:STL10:test#root={tmp_path}")
    assert data.labels.tolist() == LABELS[4:]
    assert data.class_names[9] == "class 9"
    assert np.array_equal(np.asarray(data.images.decode(0)), pixels[4])


def test_gtsrb_images_are_files_called_by_their_paths(tmp_path, official):
    base = tmp_path / "gtsrb"
    for label in (0, 7):
        folder = base / "GTSRB" / "Training" / f"{label:05}"
        folder.mkdir(parents=True)
        Image.fromarray(PIXELS[label % 6]).save(folder / "1.ppm")
    test = base / "GTSRB" / "Final_Test" / "Images"
    test.mkdir(parents=True)
    Image.fromarray(PIXELS[2]).save(test / "0.ppm")
    (base / "GT-final_test.csv").write_text("Filename;ClassId\n0.ppm;42\n")
    train = open_source(f"torchvision:GTSRB:train#root={tmp_path}")
    # torchvision numbers the folders that are there.
    assert train.ids.tolist() == [f"gtsrb/GTSRB/Training/{i:05}/1.ppm" for i in (0, 7)]
    found = open_source(f"torchvision:GTSRB:test#root={tmp_path}")
    assert [found.class_names[label] for label in found.labels] == ["42"]
    assert np.array_equal(np.asarray(found.images.decode(0)), PIXELS[2])
    assert found.paths[0] == str(test / "0.ppm")
    assert len(drop_unreadable(train)) == 2


def test_nothing_is_fetched_unless_it_is_asked_for(tmp_path, official, monkeypatch):
    asked = []

    def fetch(self: object) -> None:
        asked.append(self.root)
        raise URLError("no connection")

    monkeypatch.setattr(official.CIFAR10, "download", fetch)
    source = f"torchvision:CIFAR10:train#root={tmp_path}"
    with pytest.raises(DataError, match=r"let it be fetched: .*&download=yes"):
        open_source(source)
    with pytest.raises(DataError, match="let it be fetched"):
        open_source(f"{source}&download=no")
    assert asked == []
    with pytest.raises(DataError, match=r"could not be fetched into .*no connection"):
        open_source(f"{source}&download=yes")
    assert asked == [str(tmp_path)]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("torchvision:ImageNet:train#root=/", "There are CIFAR10, CIFAR100, MNIST"),
        ("torchvision:CIFAR10#root=/", "expected one of torchvision:CIFAR10:train"),
        ("torchvision:STL10:unlabeled#root=/", "expected one of torchvision:STL10:train"),
        ("torchvision:CIFAR10:train", "which folder holds it"),
        ("torchvision:CIFAR10:train#root=", "which folder holds it"),
        ("torchvision:CIFAR10:train#label=x", "Known are root, download"),
        ("torchvision:CIFAR10:train#root=/&download=1", "download=yes or download=no"),
    ],
)
def test_a_name_that_leads_nowhere_says_what_there_is(monkeypatch, text, says):
    monkeypatch.delenv("ASSAY_DATA", raising=False)
    with pytest.raises(DataError, match=says):
        open_source(text)
    with pytest.raises(DataError, match=says):
        source_kind(text)


@pytest.mark.skipif(not DEBIAN.is_dir(), reason="Debian's dataset-fashion-mnist is not installed")
def test_debians_fashion_mnist_is_the_whole_of_it(official):
    data = open_source(f"torchvision:FashionMNIST:test#root={DEBIAN}")
    assert len(data) == 10_000
    assert set(np.bincount(data.labels)) == {1000}
    assert data.images.decode(0).size == (28, 28)


def test_a_folder_of_that_name_does_not_hide_behind_the_prefix(tmp_path, monkeypatch):
    """A set by name is never looked for among one's own folders."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ASSAY_DATA", raising=False)
    own = tmp_path / "torchvision:CIFAR10:train" / "ant"
    own.mkdir(parents=True)
    (own / "0.png").write_bytes(png(0))
    with pytest.raises(DataError, match="which folder holds it"):
        open_source("torchvision:CIFAR10:train")
    assert len(open_source(str(own.parent))) == 1
