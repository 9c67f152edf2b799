"""What every document shares: strictness, one way to name faults, one hash.

Documents are pydantic models that forbid unknown keys. Their faults are translated once, here,
into sentences that name the place and suggest the nearest known key.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, ClassVar, Self, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ModelWrapValidatorHandler,
    ValidationError,
    model_validator,
)

from optimizer.errors import DocumentError, Fault, nearest
from optimizer.wording import TELLS_ALL, fault_in_words, rank

LARGEST_MONEY = 1e13  # beyond it a cent is no longer exact


class Document(BaseModel):
    """A part of a document: immutable, no unknown keys, no NaN or infinity."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, allow_inf_nan=False, populate_by_name=True
    )


class WholeDocument(Document):
    """A document of its own: however it is made, its faults come as one DocumentError."""

    named: ClassVar[str]

    @model_validator(mode="wrap")
    @classmethod
    def _with_plain_faults(cls, content: Any, check: ModelWrapValidatorHandler[Self]) -> Self:
        try:
            return check(content)
        except ValidationError as error:
            known = content if isinstance(content, Mapping) else {}
            raise DocumentError(cls.named, _faults(error, cls, known)) from None

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """A copy with some keys changed, checked as any document is."""
        if not update:
            return super().model_copy(deep=deep)
        content = self.model_dump(by_alias=True, exclude_unset=True)
        return type(self).model_validate(content | dict(update))


def _plain_number(value: Any) -> Any:
    """Numbers only: no text, no yes or no; numpy's scalars count as numbers."""
    if isinstance(value, bool | str):
        raise ValueError("must be a number")
    return value.item() if hasattr(value, "item") and getattr(value, "ndim", 1) == 0 else value


Number = Annotated[float, BeforeValidator(_plain_number)]
Whole = Annotated[int, BeforeValidator(_plain_number)]
Money = Annotated[
    float,
    BeforeValidator(_plain_number),
    Field(ge=0, le=LARGEST_MONEY, description="currency, for the whole plan"),
]

AnyDocument = TypeVar("AnyDocument", bound=BaseModel)


def parse(kind: type[AnyDocument], content: Any, name: str) -> AnyDocument:
    """A document from plain data.

    Raises
    ------
    DocumentError
        With every fault at once, each by its place.
    """
    if not isinstance(content, Mapping):
        fault = Fault("", f"holds {_kind_of(content)}, not keys and values")
        raise DocumentError(name, (fault,))
    try:
        return kind.model_validate(dict(content))
    except ValidationError as error:
        raise DocumentError(name, _faults(error, kind, content)) from None


def canonical_hash(document: BaseModel) -> str:
    """``sha256:`` of the document's canonical JSON, defaults left out."""
    content = document.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def _faults(
    error: ValidationError, kind: type[BaseModel], content: Mapping[str, Any]
) -> tuple[Fault, ...]:
    merged: dict[str, dict[str, int]] = {}
    for item in error.errors():
        pointer = _pointer(item["loc"], content, item["type"])
        message = _message(item, kind, pointer)
        merged.setdefault(pointer, {}).setdefault(message, rank(item["type"], message))
    return tuple(
        Fault(pointer, ", or ".join(_telling(texts)))
        for pointer, texts in merged.items()
        if min(texts.values()) == TELLS_ALL or not _any_within(pointer, merged)
    )


def _telling(texts: Mapping[str, int]) -> list[str]:
    """Of the complaints about one place, those that tell most."""
    least = min(texts.values())
    return [text for text, vagueness in texts.items() if vagueness == least]


def _any_within(pointer: str, places: Iterable[str]) -> bool:
    """Whether a place has faults of its own inside it."""
    return any(place.startswith(f"{pointer}/") for place in places)


def _pointer(loc: tuple[int | str, ...], content: Any, kind: str) -> str:
    """The place as a JSON pointer; pydantic's names of union members are left out."""
    parts: list[str] = []
    here = content
    for part in loc:
        known = isinstance(here, Mapping) and part in here
        listed = isinstance(here, list | tuple) and isinstance(part, int) and part < len(here)
        if known or listed:
            here = here[part]
            parts.append(str(part))
        elif kind == "missing" and part == loc[-1]:
            parts.append(str(part))
    return "".join(f"/{part}" for part in parts)


def _message(item: Any, kind: type[BaseModel], pointer: str) -> str:
    if item["type"] == "extra_forbidden":
        key = str(item["loc"][-1])
        known = _known_keys(kind, tuple(str(part) for part in item["loc"][:-1]))
        return f'unknown key "{key}"; {nearest(key, known)}'
    if item["type"] == "union_tag_invalid":
        expected = [word.strip(" '") for word in item["ctx"]["expected_tags"].split(",")]
        return f"unknown {item['ctx']['discriminator']} {item['ctx']['tag']!r}; " + nearest(
            str(item["ctx"]["tag"]), expected
        )
    if item["type"] == "union_tag_not_found":
        key = str(item["ctx"]["discriminator"]).strip("'")
        known = _known_values(kind, tuple(str(part) for part in item["loc"]), key)
        return f"{key} is missing; known: {', '.join(sorted(known))}"
    return fault_in_words(item, pointer)


def _known_keys(kind: type[BaseModel], loc: tuple[str, ...]) -> set[str]:
    """The keys the place in question knows, found in the JSON Schema."""
    return {key for option in _options_at(kind, loc) for key in option.get("properties", {})}


def _known_values(kind: type[BaseModel], loc: tuple[str, ...], key: str) -> set[str]:
    """The values of a key that tell the kinds of the place in question apart."""
    nodes = [option.get("properties", {}).get(key, {}) for option in _options_at(kind, loc)]
    return {str(node["const"]) for node in nodes if "const" in node}


def _options_at(kind: type[BaseModel], loc: tuple[str, ...]) -> list[Any]:
    """What may stand at a place, as nodes of the JSON Schema."""
    schema = kind.model_json_schema(by_alias=True)
    defined = schema.get("$defs", {})
    here: list[Any] = [schema]
    for part in loc:
        here = [child for node in here for child in _children(node, part, defined)] or here
    return [option for node in here for option in _options(node, defined)]


def _children(node: Any, part: str, defined: Mapping[str, Any]) -> list[Any]:
    found = []
    for option in _options(node, defined):
        if part in option.get("properties", {}):
            found.append(option["properties"][part])
        elif isinstance(option.get("additionalProperties"), dict):
            found.append(option["additionalProperties"])
        elif part.isdigit() and isinstance(option.get("items"), dict):
            found.append(option["items"])
    return found


def _options(node: Any, defined: Mapping[str, Any]) -> list[Any]:
    """A schema node with its references and alternatives opened."""
    if "$ref" in node:
        return _options(defined[node["$ref"].rsplit("/", 1)[-1]], defined)
    nested = [*node.get("anyOf", []), *node.get("oneOf", [])]
    return [node] + [option for child in nested for option in _options(child, defined)]


def _kind_of(content: Any) -> str:
    names = {list: "a list", str: "text", type(None): "nothing", bool: "a truth value"}
    return names.get(type(content), "a number")
