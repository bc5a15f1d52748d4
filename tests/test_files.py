"""Files and folders that are written whole or not at all."""

import os

import pytest
from small import one_line

from clipbench import UserError
from clipbench.files import atomic_write


def test_a_file_is_written_with_its_folders_and_leaves_nothing_beside_it(tmp_path):
    file = tmp_path / "new" / "a.json"
    for content in (b"first", b"second"):
        atomic_write(file, content)
        assert file.read_bytes() == content
    assert list(file.parent.iterdir()) == [file]


def test_what_cannot_be_replaced_stays_as_it_was(tmp_path, monkeypatch):
    file = tmp_path / "a.json"
    atomic_write(file, b"first")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(UserError) as error:
        atomic_write(file, b"second")
    assert "a.json: No space left" in one_line(error.value)
    assert file.read_bytes() == b"first" and list(tmp_path.iterdir()) == [file]
