"""What the page loads: kept for ever, small, and the vendored files as their makers ship them."""

from __future__ import annotations

import gzip
import hashlib
import re

import pytest

from api.page.frame import assets

MOST_SCRIPT_KB = 300  # gzip, SERVICE.md section 7
VENDOR = assets.FOLDER / "vendor"

#: As npm ships them: htmx.org/dist/htmx.min.js, echarts/dist/echarts.common.min.js.
SHIPPED = dict(
    line.split()[::-1]
    for line in """
61f13280aba3161f77fc801bf5f9c786f55f10432153a0683fc5cc0700b013d5  echarts-6.1.0.common.min.js
d6fdc75f204e6bdefa99b69bf1e6d4ac69b8a364f77929f45c13476b4000f717  htmx-2.0.11.min.js
""".strip().splitlines()
)

scripts = sorted(path.relative_to(assets.FOLDER).as_posix() for path in assets.FOLDER.rglob("*.js"))


@pytest.fixture(scope="module")
def client(service):
    return service.anyone


def test_vendored_files_are_those_npm_ships():
    listed = (VENDOR / "SHA256SUMS").read_text(encoding="utf-8").split("\n")
    sums = {name: digest for digest, name in (line.split() for line in listed if line)}
    assert sums == SHIPPED
    for name, digest in sums.items():
        assert hashlib.sha256((VENDOR / name).read_bytes()).hexdigest() == digest
        licence = name.split("-")[0] + ".LICENSE"
        assert (VENDOR / licence).is_file()
    assert {path.name for path in VENDOR.glob("*.js")} == set(sums)


def test_all_scripts_together_are_small():
    total = sum(len(gzip.compress((assets.FOLDER / name).read_bytes(), 9)) for name in scripts)
    assert total / 1000 <= MOST_SCRIPT_KB


@pytest.mark.parametrize("name", ["css/base.css", "vendor/htmx-2.0.11.min.js", "icon.svg"])
def test_assets_are_kept_for_ever_and_sent_small(client, name):
    answer = client.get(assets.address(name), headers={"Accept-Encoding": "gzip"})
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.headers["vary"] == "Accept-Encoding"
    assert answer.content == (assets.FOLDER / name).read_bytes()
    plain = client.get(assets.address(name), headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert plain.content == answer.content


@pytest.mark.parametrize(
    "name",
    ["nothing.js", "..%2fmain.py", "%2e%2e%2f%2e%2e%2fmain.py", "vendor/SHA256SUMS", "css", "css/"],
)
def test_nothing_else_is_served(client, name):
    answer = client.get(f"/static/{assets.version()}/{name}")
    assert answer.status_code == 404
    assert answer.headers["cache-control"] == "no-store"


def test_the_address_changes_with_any_asset(tmp_path, monkeypatch):
    (tmp_path / "one.css").write_text("a {}")
    monkeypatch.setattr(assets, "FOLDER", tmp_path)
    before = assets.version.__wrapped__()
    (tmp_path / "one.css").write_text("b {}")
    assert assets.version.__wrapped__() != before


def test_pages_are_not_kept(client):
    assert client.get("/sign-in").headers["cache-control"] == "no-store"


@pytest.mark.parametrize("name", [name for name in scripts if not name.startswith("vendor/")])
def test_scripts_import_only_what_is_there(name):
    source = (assets.FOLDER / name).read_text(encoding="utf-8")
    for imported in re.findall(r"""(?:from|import)\s+["'](\.[^"']+)["']""", source):
        assert (assets.FOLDER / name).parent.joinpath(imported).resolve().is_file(), imported
    assert not re.search(r"\beval\(|new Function\(|\.innerHTML\s*=|document\.write", source)
