"""Files that rows name: whole or not there, whatever happens while they are written."""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.store import blobs as module
from api.store.blobs import YOUNG_SECONDS, BlobError, Blobs

DATA = b"what was acknowledged" * 1000


@pytest.fixture
def kept(tmp_path):
    return Blobs(tmp_path)


def files(kept):
    return [place for place in kept.folder.rglob("*") if place.is_file()]


@given(data=st.binary(max_size=5000))
def test_what_was_kept_is_read_again_under_its_sha256(data, tmp_path_factory):
    kept = Blobs(tmp_path_factory.mktemp("blobs"))
    name = kept.put(data)
    assert name == hashlib.sha256(data).hexdigest()
    assert kept.get(name) == data
    assert list(kept.names()) == [name]


def test_the_same_bytes_are_kept_once(kept):
    assert kept.put(DATA) == kept.put(DATA)
    assert len(files(kept)) == 1


@pytest.mark.parametrize("broken", ["write", "fsync", "rename"])
def test_a_write_that_fails_leaves_nothing(kept, broken, monkeypatch):
    def fails(*_, **__):
        raise OSError(28, "No space left on device")

    place = {
        "write": (module, "_write_through"),
        "fsync": (os, "fsync"),
        "rename": (Path, "rename"),
    }
    monkeypatch.setattr(*place[broken], fails)
    with pytest.raises(OSError, match="No space left"):
        kept.put(DATA)
    assert files(kept) == []


def test_a_crash_between_write_and_rename_leaves_a_draft_no_name_means(kept):
    """kill -9 in the midst: the draft stays; a later put of the same bytes is whole."""
    name = hashlib.sha256(DATA).hexdigest()
    reader, writer = os.pipe()
    process = os.fork()
    if process == 0:  # the child stops for ever before it renames
        Path.rename = lambda *_: (os.write(writer, b"x"), time.sleep(60))
        kept.put(DATA)
        os._exit(1)
    os.read(reader, 1)
    os.kill(process, 9)
    os.waitpid(process, 0)
    assert list(kept.names()) == []
    assert len(files(kept)) == 1
    with pytest.raises(BlobError, match="missing"):
        kept.get(name)
    assert kept.put(DATA) == name
    assert kept.get(name) == DATA


@pytest.mark.parametrize(
    "spoil",
    [lambda data: data[:-1], lambda data: data[:5] + b"X" + data[6:], lambda _: b""],
    ids=["cut short", "a byte changed", "empty"],
)
def test_a_damaged_file_is_never_handed_out(kept, spoil):
    name = kept.put(DATA)
    (place,) = files(kept)
    place.write_bytes(spoil(DATA))
    with pytest.raises(BlobError, match=r"damaged.*Restore it from a backup\."):
        kept.get(name)


def test_putting_the_bytes_again_mends_a_damaged_file(kept):
    name = kept.put(DATA)
    files(kept)[0].write_bytes(DATA[:-1])
    assert kept.put(DATA) == name
    assert kept.get(name) == DATA


def test_a_sweep_takes_old_files_no_row_names_and_no_others(kept):
    named, young, stale = kept.put(b"named"), kept.put(b"young"), kept.put(b"stale")
    draft = kept.folder / stale[:2] / f".{stale}.draft.part"
    draft.write_bytes(b"half")
    long_ago = time.time() - YOUNG_SECONDS - 60
    for place in files(kept):
        if place.name != young:
            os.utime(place, (long_ago, long_ago))
    assert kept.sweep({named}) == 2
    assert sorted(kept.names()) == sorted([named, young])
    assert not draft.exists()
