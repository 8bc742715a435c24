"""Where an export goes."""

from __future__ import annotations

import os
import stat
import threading

import pytest

from lineage.errors import RoarError
from roarctl.writing import write_file


def test_a_pipe_or_a_device_is_written_to_and_stays(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()))
    reader.start()
    write_file(pipe, lambda file: file.write(b"all of it"))
    reader.join(10)
    assert read == [b"all of it"]
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert os.listdir(tmp_path) == ["pipe"]


def test_a_file_is_there_whole_or_as_it_was(tmp_path):
    path = tmp_path / "out"
    path.write_bytes(b"before")

    def fails(file):
        file.write(b"half")
        raise OSError(28, "No space left on device")

    with pytest.raises(RoarError, match="No space left"):
        write_file(path, fails)
    assert path.read_bytes() == b"before"
    write_file(path, lambda file: file.write(b"after"))
    assert path.read_bytes() == b"after"
    assert os.listdir(tmp_path) == ["out"]
