"""One storage location for everything a run writes: a folder or a URI that every node can reach.

Writes are atomic: a reader, or a run that resumes after a kill, sees the old file or the new one.
"""

from __future__ import annotations

import json
import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast
from uuid import uuid4

from pyarrow import fs

from smm4h_core.errors import DataError

_UNFINISHED = ".partial"
_ABANDONED_S = 3600


@dataclass(frozen=True, slots=True)
class Storage:
    """A folder on a file system; cheap to make, safe to send to another process."""

    filesystem: fs.FileSystem
    """Where the files lie."""
    root: str
    """Path of the folder on that file system."""

    def child(self, *names: str) -> Storage:
        """The folder below this one."""
        return Storage(self.filesystem, "/".join((self.root, *names)))

    def exists(self, name: str) -> bool:
        """Whether the file is there, whole."""
        info = self.filesystem.get_file_info(f"{self.root}/{name}")
        return bool(info.type == fs.FileType.File)

    def write(self, name: str, writer: Callable[[IO[bytes]], object]) -> None:
        """Let ``writer`` fill a stream, then put the file in place in one step."""
        self.filesystem.create_dir(self.root, recursive=True)
        target = f"{self.root}/{name}"
        if not isinstance(self.filesystem, fs.LocalFileSystem):
            # An object store shows a file once its upload is closed, and closes it on an error
            # too: the content must be whole before the upload begins.
            with tempfile.TemporaryFile() as whole:
                writer(whole)
                whole.seek(0)
                with self.filesystem.open_output_stream(target) as stream:
                    shutil.copyfileobj(whole, stream)
            return
        unfinished = Path(f"{target}.{uuid4().hex}{_UNFINISHED}")
        try:
            with unfinished.open("wb") as local:
                writer(local)
            unfinished.replace(target)
        finally:
            unfinished.unlink(missing_ok=True)

    def read(self, name: str) -> IO[bytes]:
        """Open a file for reading.

        Raises:
            DataError: if there is no such file.
        """
        if not self.exists(name):
            raise DataError(f"{self.root}/{name}: no such file")
        return cast("IO[bytes]", self.filesystem.open_input_file(f"{self.root}/{name}"))

    def write_json(self, name: str, value: Any) -> None:
        """Write plain data as indented UTF-8 JSON."""
        text = json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
        self.write(name, lambda stream: stream.write(text.encode()))

    def read_json(self, name: str) -> Any:
        """Read a JSON file.

        Raises:
            DataError: if there is no such file, or it is no JSON.
        """
        with self.read(name) as stream:
            content = stream.read()
        try:
            return json.loads(content)
        except ValueError as error:
            raise DataError(f"{self.root}/{name}: not JSON: {error}") from None

    def delete_unfinished(self) -> None:
        """Remove what a kill in the middle of a write left behind in this very folder.

        What was touched within the last hour may be another process's, still being written.
        """
        if isinstance(self.filesystem, fs.LocalFileSystem):
            for path in Path(self.root).glob(f"*{_UNFINISHED}"):
                if time.time() - path.stat().st_mtime > _ABANDONED_S:
                    path.unlink(missing_ok=True)

    def delete(self, name: str) -> None:
        """Remove a file if it is there."""
        if self.exists(name):
            self.filesystem.delete_file(f"{self.root}/{name}")


def open_storage(location: str) -> Storage:
    """The storage at a folder (made absolute) or a URI such as ``s3://bucket/folder``.

    Raises:
        DataError: a URI of a kind that is not known.
    """
    if "://" in location:
        try:
            filesystem, root = fs.FileSystem.from_uri(location)
        except ValueError as error:
            raise DataError(f"{location}: expected a folder or a known URI: {error}") from None
        return Storage(filesystem, root.rstrip("/"))
    return Storage(fs.LocalFileSystem(), str(Path(location).resolve()))
