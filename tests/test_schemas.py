"""The JSON Schemas in docs/ are those of the documents."""

from __future__ import annotations

import pytest

from docs.schemas import FOLDER, schemas, text


@pytest.mark.parametrize("name", schemas())
def test_a_schema_in_docs_is_the_documents_own(name: str) -> None:
    stored = (FOLDER / name).read_text(encoding="utf-8")
    assert stored == text(schemas()[name]), "run `python -m docs.schemas`"
