"""Pictures by position: files, uint8 arrays, encoded bytes in Parquet.

All are safe to use from several threads at once, and `take` gives views that share what was cached.
"""

from __future__ import annotations

import hashlib
import stat
import threading
from abc import ABC, abstractmethod
from collections import OrderedDict
from pathlib import Path
from typing import TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from core.datasets.pictures import decode_bytes, encode_png, to_gray_or_rgb

_MAX_FILE_BYTES = 512 * 2**20  # one picture: more is a mistake, or an attempt to exhaust memory
_CACHE_BYTES = 256 * 2**20  # encoded pictures kept for each Parquet source

Taken = TypeVar("Taken", bound="EncodedStore")
_Group = tuple[pa.ChunkedArray | None, pa.ChunkedArray | None]  # bytes and paths of a row group


class EncodedStore(ABC):
    """What the stores of encoded files have in common: row numbers and decoding."""

    def __init__(self, rows: np.ndarray) -> None:
        self._rows = rows
        self._digests: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self._rows)

    @abstractmethod
    def encoded(self, index: int) -> bytes:
        """Return picture `index` as it is stored; raises `OSError` where it cannot be read."""

    def decode(self, index: int, *, min_side: int | None = None) -> Image.Image:
        """Return picture `index`, loaded, mode "L" or "RGB"; `min_side` as for `decode_bytes`."""
        return decode_bytes(self.encoded(index), min_side=min_side)

    def digest(self, index: int) -> bytes:
        """Return the SHA-256 digest of the encoded picture `index`."""
        return hashlib.sha256(self.encoded(index)).digest()

    def digests(self) -> np.ndarray:
        """Return the SHA-256 digests of all pictures, uint8, shape (n, 32), read once.

        An unreadable picture counts as empty.
        """
        if self._digests is None:
            found = bytearray()
            for index in range(len(self)):
                try:
                    found += self.digest(index)
                except OSError:
                    found += hashlib.sha256(b"").digest()
            self._digests = np.frombuffer(bytes(found), dtype=np.uint8).reshape(-1, 32)
        return self._digests

    def fingerprint(self) -> str:
        """SHA-256 over the digests of all pictures, in order."""
        return hashlib.sha256(self.digests().data).hexdigest()

    def _handing_on(self, taken: Taken, indices: np.ndarray) -> Taken:
        """Return `taken`, the pictures at `indices`, with the digests that are known already."""
        if self._digests is not None:
            taken._digests = self._digests[indices]
        return taken


class FileStore(EncodedStore):
    """Pictures that are files of their own.

    Parameters
    ----------
    paths : absolute paths, object array of str, shape (n,)
    """

    def __init__(self, paths: np.ndarray) -> None:
        super().__init__(np.arange(len(paths)))
        self._paths = paths

    def encoded(self, index: int) -> bytes:
        """Return the file's content."""
        path = Path(self._paths[index])
        status = path.stat()
        # A device or a pipe would never end.
        if not stat.S_ISREG(status.st_mode):
            raise OSError(f"not a file: {path}")
        if status.st_size > _MAX_FILE_BYTES:
            raise OSError(f"too large: {status.st_size:,} bytes in {path}")
        return path.read_bytes()

    def take(self, indices: np.ndarray) -> FileStore:
        """Return a view of the pictures at `indices`."""
        return self._handing_on(FileStore(self._paths[indices]), indices)


class ParquetBytes:
    """The encoded pictures in one or several Parquet files, read a row group at a time.

    Row groups last used are kept up to a bound in bytes, so that a set of thumbnails is read once
    and a set of photographs never fills the memory.

    Parameters
    ----------
    files : the shards, in order
    column : the image column: binary, or a struct with the fields bytes and path
    is_struct : which of the two it is
    cache_bytes : bound on what is kept; the row group in use is kept in any case
    """

    def __init__(
        self, files: list[Path], column: str, *, is_struct: bool, cache_bytes: int = _CACHE_BYTES
    ) -> None:
        self._files = files
        self._column = column
        self._is_struct = is_struct
        self._cache_bytes = cache_bytes
        self._cache: OrderedDict[int, _Group] = OrderedDict()
        self._held = 0
        self._lock = threading.Lock()
        self._groups: list[tuple[int, int]] = []
        sizes: list[int] = []
        # Kept: parsing it again at each reading is slow where there are many row groups.
        self._metadata = [pq.read_metadata(file) for file in files]
        for number, metadata in enumerate(self._metadata):
            for group in range(metadata.num_row_groups):
                self._groups.append((number, group))
                sizes.append(metadata.row_group(group).num_rows)
        self._starts = np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)])

    def __len__(self) -> int:
        return int(self._starts[-1])

    def encoded(self, row: int) -> bytes:
        """Return the encoded picture in `row`, counted over all files."""
        group = int(np.searchsorted(self._starts, row, side="right")) - 1
        contents, paths = self._group(group)
        offset = row - int(self._starts[group])
        content: bytes | None = None if contents is None else contents[offset].as_py()
        if content is not None:
            return content
        path = None if paths is None else paths[offset].as_py()
        if not path:
            raise OSError("the row has neither bytes nor a path")
        beside = self._files[self._groups[group][0]].parent / path
        return FileStore(np.array([str(beside)], dtype=object)).encoded(0)

    def _group(self, group: int) -> _Group:
        with self._lock:
            if group in self._cache:
                self._cache.move_to_end(group)
                return self._cache[group]
            loaded = self._read(group)
            self._cache[group] = loaded
            self._held += _bytes_held(loaded)
            while self._held > self._cache_bytes and len(self._cache) > 1:
                _, dropped = self._cache.popitem(last=False)
                self._held -= _bytes_held(dropped)
            return loaded

    def _read(self, group: int) -> _Group:
        shard, number = self._groups[group]
        file = self._files[shard]
        try:
            with pq.ParquetFile(file, metadata=self._metadata[shard]) as opened:
                column = opened.read_row_group(number, columns=[self._column]).column(0)
        except (pa.ArrowException, OSError, ValueError) as error:
            raise OSError(f"{file}: row group {number} cannot be read ({error})") from error
        if not self._is_struct:
            return column, None
        names = [field.name for field in column.type]
        fields = dict(zip(names, column.flatten(), strict=True))
        return fields.get("bytes"), fields.get("path")


def _bytes_held(group: _Group) -> int:
    return sum(int(part.nbytes) for part in group if part is not None)


class ParquetStore(EncodedStore):
    """Rows of a `ParquetBytes`."""

    def __init__(self, source: ParquetBytes, rows: np.ndarray) -> None:
        super().__init__(rows)
        self._source = source

    def encoded(self, index: int) -> bytes:
        """Return the encoded picture as it is stored."""
        return self._source.encoded(int(self._rows[index]))

    def take(self, indices: np.ndarray) -> ParquetStore:
        """Return a view of the pictures at `indices`, sharing the cache."""
        return self._handing_on(ParquetStore(self._source, self._rows[indices]), indices)


class ArrayStore(EncodedStore):
    """Rows of a uint8 array, which may be a memory map.

    Parameters
    ----------
    pixels : uint8, shape (n, height, width) or (n, height, width, 3 or 4)
    rows : the rows of `pixels` that are meant, shape (k,); all by default
    """

    def __init__(self, pixels: np.ndarray, rows: np.ndarray | None = None) -> None:
        super().__init__(np.arange(len(pixels)) if rows is None else rows)
        self._pixels = pixels

    def encoded(self, index: int) -> bytes:
        """Return the picture as a PNG file, made now."""
        return encode_png(np.asarray(self._pixels[self._rows[index]]))

    def decode(self, index: int, *, min_side: int | None = None) -> Image.Image:
        """Return the picture; mode "L" for shape (height, width), else "RGB"."""
        pixels = np.ascontiguousarray(self._pixels[self._rows[index]])
        return to_gray_or_rgb(Image.fromarray(pixels))

    def digest(self, index: int) -> bytes:
        """Return the SHA-256 digest of shape and pixels; transparent ones as they are shown."""
        pixels = self._pixels[self._rows[index]]
        # So that the array without transparency, which is what gets written, holds the same set.
        transparent = pixels.shape[2:] == (4,)
        pixels = np.ascontiguousarray(self.decode(index) if transparent else pixels)
        return hashlib.sha256(f"{pixels.shape}".encode() + pixels.tobytes()).digest()

    def take(self, indices: np.ndarray) -> ArrayStore:
        """Return a view of the pictures at `indices`, sharing the array."""
        return self._handing_on(ArrayStore(self._pixels, self._rows[indices]), indices)
