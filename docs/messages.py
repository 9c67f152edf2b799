"""What the code can say, read from its source: sentences as templates.

A template is a sentence with ``{0}``, ``{1}``, ... where the code puts something in. Words that
the source chooses between are written out, each choice a template of its own; what it leaves open
(a name, a number, the words of another function) is a placeholder, which has a name where it is
one of our own words. Nothing is run.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from docs.expressions import WORD, Parts, Scope, Source, choices, is_spelled_out, worlds

#: Calls whose arguments nobody reads as a sentence.
SILENT = re.compile(
    r"Field|TypeAdapter|Header|Query|Body|cast|(?:get|has|set)attr|compile|fullmatch|match|r?split|"
    r"sub|(?:starts|ends)with|remove(?:prefix|suffix)|encode|decode|execute|n?gettext|"
    r"Counter|Histogram|get_logger|AssertionError|TypeError|RuntimeError"
)
#: Sentences before one and after it, which speak for themselves.
AHEAD = re.compile(r"^\0?[.?!]? *(?=[A-Z][a-z]+ )")
BEHIND = re.compile(r"(?<=[.?!])(?<!channels\.) *\0$|(?<=[.?!]) +$")
#: Keyword arguments that describe rather than speak.
MUTE = frozenset(("description", "help", "title", "summary", "examples", "alias", "media_type"))


def templates(parts: Parts) -> Iterator[str]:
    """A text as templates: one for each of its lines, without the stop at its end.

    Examples
    --------
    >>> list(templates((None, " has ", None, " ", None, " rows.", None)))
    ['{0} has {1} rows']
    >>> list(templates((" if active",))), list(templates((", or ",)))
    (['{0} if active'], ['{0}, or {1}'])
    """
    text = "".join("\0" if part is None else part for part in parts)
    yield from map(_template, text.split("\n"))


def _template(line: str) -> str:
    """One line, its placeholders marked by a NUL, as a template."""
    line = re.sub(r"\0(?: *\0)+", "\0", line)  # a mere space does not tell two of them apart
    line = re.sub(AHEAD, "", line)
    line = re.sub(BEHIND, "", line)
    line = f"\0{line}" if line[:1] in tuple(" ,;") else line
    line = f"{line}\0" if line.endswith(" ") else line
    line = line if line.endswith("..") else line.removesuffix(".")
    numbered = "".join(f"{{{n}}}{piece}" for n, piece in enumerate(line.split("\0"), -1))[4:]
    return re.sub(r"(\{([a-z]+)\}.*)\{\2\}", r"\1{\g<2>2}", numbered)


def is_said(template: str) -> bool:
    """Whether a template reads as words for people: two, or one around a placeholder."""
    said = re.sub(r"`[^`]*`", "", re.sub(r"\{\w+\}", " 0 ", template)).strip()
    fewest = 1 if " 0 " in f" {said} " else 2
    is_code = re.search(r"=[\w\"]", said) is not None
    return " " in template and not is_code and len(WORD.findall(said)) >= fewest


def messages(source: Source, only: str = "") -> Iterator[str]:
    """Every template of a module, or those in the calls of one name."""
    calls = (node for node in ast.walk(source.tree) if isinstance(node, ast.Call))
    called = [node for node in calls if ast.unparse(node.func) == only]
    for root in called if only else [source.tree]:
        for text, scope in _texts(root, Scope.of(source)):
            for world in worlds(text, scope):
                for parts in choices(text, world) or ():
                    yield from filter(is_said, templates(parts))


def _texts(node: ast.AST, scope: Scope) -> Iterator[tuple[ast.expr, Scope]]:
    """The text expressions within a node, each with the scope it stands in."""
    if isinstance(node, ast.Constant | ast.JoinedStr | ast.IfExp | ast.BinOp | ast.BoolOp):
        yield node, scope
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        scope = Scope.of(scope.source, node)
    for child in _spoken(node):
        if not (isinstance(child, ast.Assign) and is_spelled_out(child, scope)):
            yield from _texts(child, scope)


def _spoken(node: ast.AST) -> Iterator[ast.AST]:
    """The parts of a node that may hold sentences."""
    if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
        yield from (one for one in node.body if not _is_for_programmers(one))
    elif isinstance(node, ast.AnnAssign):
        yield from [node.value] if node.value else []
    elif isinstance(node, ast.Call):
        yield from _arguments(node)
    elif isinstance(node, ast.JoinedStr):
        yield from (v.value for v in node.values if isinstance(v, ast.FormattedValue))
    elif isinstance(node, ast.BinOp):
        yield from (part for part in ast.walk(node) if isinstance(part, ast.Call))
    elif not isinstance(node, ast.Assert):
        yield from ast.iter_child_nodes(node)


def _arguments(node: ast.Call) -> Iterator[ast.AST]:
    owner, _, called = ast.unparse(node.func).rpartition(".")
    yield node.func
    is_silent = SILENT.fullmatch(called) or owner == "log" or (owner and called == "replace")
    if not is_silent:
        yield from node.args
        yield from (word.value for word in node.keywords if word.arg not in MUTE)


def _is_for_programmers(node: ast.AST) -> bool:
    """Whether a statement is a docstring, or says how an object is shown in a notebook."""
    if isinstance(node, ast.FunctionDef):
        return "repr" in node.name
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
