"""Bring the catalogues of the page's own words up to date: `python -m docs.words`.

Every text that a template or a module of the page marks for translation is collected. New ones
come in untranslated, those no longer said go, translations stay; nothing is guessed. The core's
sentences have catalogues of their own (`docs.catalogues`).
"""

from __future__ import annotations

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir

from docs.po_files import ROOT, PoFile

FILE = PoFile("page", "Words of the page, collected by `python -m docs.words`", counts=True)
PAGE = ROOT / "api" / "page"
METHODS = [("templates/**.html", "jinja2"), ("**.py", "python")]
OPTIONS = {
    "templates/**.html": {
        "newstyle_gettext": "true",
        "trim_blocks": "true",
        "lstrip_blocks": "true",
        "silent": "false",
    }
}
Said = str | tuple[str, ...]  # a text, or its singular and plural


def said() -> dict[tuple[str, str | None], tuple[Said, list[str]]]:
    """(text, context) -> the text with its plural, and the files that say it; in order."""
    found: dict[tuple[str, str | None], tuple[Said, set[str]]] = {}
    extracted = extract_from_dir(PAGE, METHODS, OPTIONS, strip_comment_tags=True)
    for file, _, text, _, context in extracted:
        first = text if isinstance(text, str) else text[0]
        whole, files = found.setdefault((first, context), (text, set()))
        files.add(f"api/page/{file}")
        if isinstance(text, tuple):
            whole = text  # where one place counts and another does not
        found[first, context] = (whole, files)
    order = sorted(found, key=lambda key: (key[0], key[1] or ""))
    return {key: (found[key][0], sorted(found[key][1])) for key in order}


def text(language: str) -> str:
    """A language's catalogue as its file has to be: every text, with what is translated."""
    known, made = FILE.kept(language), Catalog(locale=language)
    for (first, context), (whole, files) in said().items():
        told = _told(known.get(first, context), whole, made.num_plurals)
        places = [(file, None) for file in files]
        made.add(whole, told, places, context=context).flags.clear()
    return FILE.text(made)


def _told(old: Message | None, whole: Said, forms: int) -> str | tuple[str, ...]:
    """What a text was translated as; empty where it was not, or not in as many forms."""
    several = not isinstance(whole, str)
    nothing = ("",) * forms if several else ""
    if old is None or not old.string or several != isinstance(old.string, tuple | list):
        return nothing
    return tuple(old.string) if several else old.string


if __name__ == "__main__":
    FILE.write(text)
