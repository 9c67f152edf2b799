"""Catalogues of gettext as files: where a language's are, how they are read and written."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parents[1]
LOCALE = ROOT / "api" / "page" / "locale"
LANGUAGES = ("ru", "zh")


@dataclass(frozen=True, slots=True)
class PoFile:
    """The files of one name, a language each."""

    name: str
    about: str  # its first line
    counts: bool  # whether some of its texts have a plural

    def place(self, language: str) -> Path:
        """Where a language's catalogue is."""
        return LOCALE / language / "LC_MESSAGES" / f"{self.name}.po"

    def kept(self, language: str) -> Catalog:
        """A language's catalogue as it stands."""
        if not self.place(language).exists():
            return Catalog(locale=language)
        with self.place(language).open("rb") as file:
            return read_po(file, locale=language)

    def text(self, made: Catalog) -> str:
        """A catalogue as its file has to be."""
        written = io.BytesIO()
        write_po(written, made, width=0, omit_header=True, include_lineno=False)
        return self._head(made) + written.getvalue().decode()

    def write(self, text_in: Callable[[str], str]) -> None:
        """Every language's file, by the text it has to be."""
        for language in LANGUAGES:
            self.place(language).parent.mkdir(parents=True, exist_ok=True)
            self.place(language).write_text(text_in(language), encoding="utf-8")

    def _head(self, made: Catalog) -> str:
        plurals = f'"Plural-Forms: {made.plural_forms}\\n"\n' if self.counts else ""
        return (
            f"# {self.about}; translate in place.\n"
            'msgid ""\nmsgstr ""\n'
            f'"Language: {made.locale}\\n"\n'
            f"{plurals}"
            '"Content-Type: text/plain; charset=utf-8\\n"\n'
            '"Content-Transfer-Encoding: 8bit\\n"\n\n'
        )
