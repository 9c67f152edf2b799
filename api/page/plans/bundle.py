"""ES modules as one script: for a file that is opened from disk, where modules cannot be fetched.

Each module becomes a function that gives back what the module exports; imports become look-ups of
what an earlier one gave. It reads the few forms the page's own modules are written in: named
imports on one line, exports of functions and constants, and `import()` of a path put together.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator, Sequence

IMPORT = re.compile(r'^import \{([^}]*)\} from "(\.[^"]*)";$', re.MULTILINE)
EXPORT = re.compile(r"^export ((?:async )?function|const|let|class) (\w+)", re.MULTILINE)
ASKED = re.compile(r"\bimport\(")
LEFT = re.compile(r"^(?:import|export)\b.*", re.MULTILINE)

HEAD = """const romiModules = {};
const romiModule = async (path) => romiModules[path.replace("./", "")];
"""


def bundled(names: Sequence[str], read: Callable[[str], str]) -> str:
    """Modules with all they import, as one script.

    Parameters
    ----------
    names : sequence of str
        Modules to run, by their place, such as ``charts/curve.js``.
    read : callable
        Gives the source of a module at a place.

    Raises
    ------
    ValueError
        A module is written in a form this does not read.

    Examples
    --------
    >>> sources = {"a.js": 'import { two } from "./b.js";\\nshow(two);',
    ...     "b.js": "export const two = 2;"}
    >>> print(bundled(["a.js"], sources.__getitem__).removeprefix(HEAD).strip())
    romiModules["b.js"] = (() => {
    const two = 2;
    return { two };
    })();
    romiModules["a.js"] = (() => {
    const { two } = romiModules["b.js"];
    show(two);
    return {  };
    })();
    """
    ordered: dict[str, str] = {}
    for name in names:
        for place, source in _with_imports(name, read, ()):
            ordered.setdefault(place, source)
    return HEAD + "".join(_as_function(place, source) for place, source in ordered.items())


def _with_imports(
    name: str, read: Callable[[str], str], above: tuple[str, ...]
) -> Iterator[tuple[str, str]]:
    """What a module imports, the deepest first, then itself."""
    if name in above:
        raise ValueError(f"{name} imports itself by way of {above[-1]}")
    source = read(name)
    for _, path in IMPORT.findall(source):
        yield from _with_imports(_place(name, path), read, (*above, name))
    yield name, source


def _place(name: str, path: str) -> str:
    return posixpath.normpath(posixpath.join(posixpath.dirname(name), path))


def _as_function(name: str, source: str) -> str:
    def looked_up(found: re.Match[str]) -> str:
        names = found[1].strip().replace(" as ", ": ")
        return f'const {{ {names} }} = romiModules["{_place(name, found[2])}"];'

    given = ", ".join(found[1] for found in EXPORT.findall(source))
    body = EXPORT.sub(r"\1 \2", IMPORT.sub(looked_up, source))
    body = ASKED.sub("romiModule(", body)
    if strange := LEFT.search(body):
        raise ValueError(f"{name}: {strange[0]!r} is in no form that can be bundled")
    return f'romiModules["{name}"] = (() => {{\n{body.strip()}\nreturn {{ {given} }};\n}})();\n'
