"""What a text expression of the source can be, as far as the source itself tells.

Names, conditions, tables of words and short functions are followed, each choice written out; a
value that is not in sight (a name, a number, another module's words) is left open. Nothing is run.
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from pathlib import Path

Parts = tuple[str | None, ...]  # literal text, and None for a placeholder
Choices = tuple[Parts, ...]
Bindings = Mapping[str, Sequence[ast.expr | None]]

OPEN: Parts = (None,)
MOST_CHOICES = 8  # templates of one expression; beyond it the widest choice is a placeholder

PERIODS = ("day", "week", "month")
#: Expressions of few values, by the end of their source -> those values, or one word of many.
KNOWN = {
    "period": PERIODS,
    "spacing.value": PERIODS[1:],
    "words.one": ("{unit}",),
    "words.relaxed": ("",),  # a remark in brackets, with a template of its own
    **{
        name: (f"{{{name}}}",)
        for name in ("binding", "document", "earned", "kind", "role", "setting", "what")
    },
    **{name: (f"{{{name}}}",) for name in ("channel", "label", "market")},  # the reader's own
}
ENDS = re.compile(rf"(?:.*\.)?({'|'.join(map(re.escape, KNOWN))})")
WORD = re.compile(r"(?<![\w./=\-<])[A-Za-z]?[a-z][a-z'’]+(?![\w/=>])")
FORMAT_FIELD = re.compile(r"\{(?:\w*)\}")  # of a text that is filled by str.format


@dataclass(frozen=True)
class Source:
    """One module: its tree, and what its names stand for."""

    name: str  # "optimizer/notices.py"
    tree: ast.Module
    functions: Mapping[str, ast.FunctionDef]
    constants: Mapping[str, ast.expr]

    @classmethod
    def of(cls, path: Path, root: Path) -> Source:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        functions = {n.name: n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)}
        return cls(path.relative_to(root).as_posix(), tree, functions, _constants(tree))


def _constants(tree: ast.Module) -> dict[str, ast.expr]:
    """Names that a module binds once and for all."""
    found = {}
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            found[node.targets[0].id] = node.value
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value:
            found[node.target.id] = node.value
    return found


@dataclass(frozen=True)
class Scope:
    """Where an expression stands: its module, and what the function around it binds."""

    source: Source
    function: ast.AST | None
    bound: Bindings
    read: frozenset[str] = frozenset()  # names being read, which cannot be read out of themselves
    chosen: Mapping[str, str] = field(default_factory=dict)  # what expressions of few values are

    @classmethod
    def of(cls, source: Source, function: ast.AST | None = None) -> Scope:
        return cls(source, function, {} if function is None else _bindings(function))

    def within(self, name: str, function: ast.AST | None = None) -> Scope:
        """Where what a name stands for is read: here, or inside a function of that name."""
        inner = self if function is None else Scope.of(self.source, function)
        return replace(inner, read=self.read | {name})


def _bindings(function: ast.AST) -> dict[str, list[ast.expr | None]]:
    """Every expression a function gives to each of its names; None for what is not in sight."""
    found: dict[str, list[ast.expr | None]] = {}
    for node in ast.walk(function):
        for target, value in _assigned(node):
            for name, own in _paired(target, value):
                found.setdefault(name, []).append(own)
    return found


def _assigned(node: ast.AST) -> Iterator[tuple[ast.AST, ast.expr | None]]:
    if isinstance(node, ast.Assign):
        yield from ((target, node.value) for target in node.targets)
    elif isinstance(node, ast.AnnAssign | ast.NamedExpr):
        yield node.target, node.value
    elif isinstance(node, ast.AugAssign | ast.arg):
        yield (node.target if isinstance(node, ast.AugAssign) else ast.Name(node.arg)), None
    elif isinstance(node, ast.For | ast.comprehension):
        listed = isinstance(node.iter, ast.Tuple | ast.List) and node.iter.elts
        yield node.target, ast.BoolOp(ast.Or(), listed) if listed else None


def _paired(target: ast.AST, value: ast.expr | None) -> Iterator[tuple[str, ast.expr | None]]:
    """Names with their values, also where several are bound at once."""
    if isinstance(target, ast.Name):
        yield target.id, value
    elif isinstance(target, ast.Tuple):
        for place, part in enumerate(target.elts):
            yield from _paired(part, _element_at(value, place))


def _element_at(value: ast.expr | None, place: int) -> ast.expr | None:
    """An element of a tuple in sight, or of any of several."""
    if isinstance(value, ast.BoolOp):
        own = [_element_at(one, place) for one in value.values]
        return ast.BoolOp(ast.Or(), [one for one in own if one]) if all(own) else None
    if isinstance(value, ast.IfExp):
        return _element_at(ast.BoolOp(ast.Or(), [value.body, value.orelse]), place)
    return value.elts[place] if isinstance(value, ast.Tuple) and place < len(value.elts) else None


def choices(node: ast.expr, scope: Scope) -> Choices | None:
    """What a text can be; None where the source does not tell."""
    if isinstance(node, ast.Constant):
        return _constant(node)
    read = _READERS.get(type(node))
    return read(node, scope) if read else _known(node, scope)


def _constant(node: ast.Constant) -> Choices | None:
    if not isinstance(node.value, str) or node.value.startswith("\n"):  # a table, not a sentence
        return None
    literal = FORMAT_FIELD.split(node.value)
    parts: list[str | None] = [literal[0]]
    for piece in literal[1:]:
        parts += [None, piece]
    return (tuple(parts),)


def _formatted(node: ast.JoinedStr, scope: Scope) -> Choices | None:
    return _joined([_piece(value, scope) for value in node.values])


def _piece(value: ast.expr, scope: Scope) -> Choices:
    """A piece of an f-string; one that is formatted as a number or as code is left open."""
    if isinstance(value, ast.Constant):
        return ((str(value.value),),)
    assert isinstance(value, ast.FormattedValue)
    if value.conversion != -1 or value.format_spec is not None:
        return (OPEN,)
    return choices(value.value, scope) or (OPEN,)


def _sum(node: ast.BinOp, scope: Scope) -> Choices | None:
    sides = [choices(side, scope) for side in (node.left, node.right)]
    if not isinstance(node.op, ast.Add) or sides == [None, None]:
        return None
    return _joined([side or (OPEN,) for side in sides])


def _condition(node: ast.IfExp, scope: Scope) -> Choices | None:
    return _either([node.body, node.orelse], scope)


def _alternative(node: ast.BoolOp, scope: Scope) -> Choices | None:
    return _either(node.values, scope) if isinstance(node.op, ast.Or) else None


def _name(node: ast.Name, scope: Scope) -> Choices | None:
    bound = scope.bound.get(node.id, [scope.source.constants.get(node.id)])
    values = [value for value in bound if value is not None]
    if node.id in scope.read or len(values) < len(bound):
        return _known(node, scope)
    found = _settled(_either(values, scope.within(node.id)))
    is_one = len(values) == 1 or not any(None in parts for parts in found or ())
    return (found if is_one else None) or _known(node, scope)


def _known(node: ast.expr, scope: Scope) -> Choices | None:
    """The values of an expression that has few of them."""
    said = ast.unparse(node)
    if said in scope.chosen:
        return ((scope.chosen[said],),)
    end = ENDS.fullmatch(said)
    return tuple((value,) for value in KNOWN[end[1]]) if end else None


def worlds(node: ast.expr, scope: Scope) -> Iterator[Scope]:
    """The scope under each value of those that occur twice, which are the same both times."""
    inside = Counter(map(ast.unparse, ast.walk(node)))
    ends = {said: end[1] for said in inside if inside[said] > 1 and (end := ENDS.fullmatch(said))}
    for values in product(*(KNOWN[end] for end in ends.values())):
        yield replace(scope, chosen=dict(zip(ends, values, strict=True)))


def _element(node: ast.Subscript, scope: Scope) -> Choices | None:
    elements = _elements(node.value, scope)
    return _settled(_either(elements, scope)) if elements else None


def _call(node: ast.Call, scope: Scope) -> Choices | None:
    if isinstance(node.func, ast.Attribute) and node.func.attr == "get":
        elements = _elements(node.func.value, scope)
        return _settled(_either([*elements, *node.args[1:]], scope)) if elements else None
    if not isinstance(node.func, ast.Name):
        return None
    if node.func.id == "stopped":  # a stop is part of no template
        return choices(node.args[0], scope)
    name = node.func.id
    function = scope.source.functions.get(name)
    if function is None or name in scope.read:
        return None
    values = [n.value for n in ast.walk(function) if isinstance(n, ast.Return) and n.value]
    return _settled(_either(values, scope.within(name, function))) if values else None


def _elements(node: ast.expr, scope: Scope) -> list[ast.expr]:
    """The values of a tuple or dictionary in sight."""
    if isinstance(node, ast.Name):
        bound = scope.bound.get(node.id, [scope.source.constants.get(node.id)])
        is_one = len(bound) == 1 and bound[0] is not None and node.id not in scope.read
        return _elements(bound[0], scope.within(node.id)) if is_one and bound[0] else []
    if isinstance(node, ast.Dict):
        return node.values
    return node.elts if isinstance(node, ast.Tuple | ast.List) else []


def _either(nodes: Sequence[ast.expr], scope: Scope) -> Choices | None:
    """What any of several expressions can be; None where that is no word at all."""
    found = dict.fromkeys(one for node in nodes for one in choices(node, scope) or (OPEN,))
    says = any(WORD.search(" ".join(filter(None, parts))) for parts in found)
    return tuple(found) if says or len(found) == 1 else None


def _settled(found: Choices | None) -> Choices | None:
    """Choices worth writing out: a few, or words alone."""
    if found is None or OPEN in found:
        return None
    return found if len(found) <= 3 or not any(None in parts for parts in found) else None


def _joined(pieces: list[Choices]) -> Choices:
    """All ways to put pieces together, as many as are worth writing out."""
    while len(ways := list(product(*pieces))) > MOST_CHOICES:
        widest = max(pieces, key=len)
        alike = [place for place, piece in enumerate(pieces) if len(piece) == len(widest)]
        for place in alike if len(widest) > 2 else alike[:1]:
            is_period = pieces[place] == tuple((name,) for name in PERIODS)
            pieces[place] = (("{period}",),) if is_period else (OPEN,)
    return tuple(tuple(part for piece in way for part in piece) for way in ways)


_READERS: dict[type[ast.expr], Callable[..., Choices | None]] = {
    ast.JoinedStr: _formatted,
    ast.BinOp: _sum,
    ast.IfExp: _condition,
    ast.BoolOp: _alternative,
    ast.Name: _name,
    ast.Subscript: _element,
    ast.Call: _call,
}


def is_spelled_out(node: ast.Assign, scope: Scope) -> bool:
    """Whether only f-strings use a name, and write out what it stands for."""
    if scope.function is None or not isinstance(node.targets[0], ast.Name):
        return False
    name, inside = node.targets[0], list(ast.walk(scope.function))
    pieces = {part for text in inside if isinstance(text, ast.JoinedStr) for part in ast.walk(text)}
    uses = {n for n in inside if isinstance(n, ast.Name) and n.id == name.id} - {name}
    return bool(uses) and uses <= pieces and _name(name, scope) is not None
