"""Writes `segue.client.generated` from the OpenAPI document: shapes, functions that make calls, and the clients' methods.

`make docs` runs it after docs/openapi.json was written; a test keeps the three files equal to what it writes. It needs ruff.

Answers are read leniently, since a newer service may say more: unknown fields and new words of a list of words are taken.
"""

from __future__ import annotations

import json
import keyword
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

Schema = Mapping[str, Any]

BY_HAND = {"post_events": "segue.client.events"}
"""Operations whose functions are written by hand, and where."""
NOT_FOR_CLIENTS = ("/1/",)
"""Paths in the words of another API, which has clients of its own."""
SCALARS = {"integer": "int", "number": "float", "boolean": "bool", "null": "None", "string": "str"}
IF_MATCH = "If-Match"
"""The one header that calls send: a method takes it as the version that its caller saw."""
FORMATS = {"date-time": "datetime", "uuid": "UUID"}
NOTICE = "Written by segue/client/writer.py from docs/openapi.json (`make docs`); do not edit."


class Operation(NamedTuple):
    """One operation of the document."""

    name: str
    method: str
    path: str
    says: Schema

    @property
    def parameters(self) -> list[Schema]:
        asked = [parameter for parameter in self.says.get("parameters", []) if parameter["in"] in ("path", "query")]
        # Who asks for a struct gets JSON.
        return [parameter for parameter in asked if not (self._has_files and parameter["name"] == "format")]

    @property
    def is_conditional(self) -> bool:
        """Whether it can be asked to change one version only."""
        return any(parameter["in"] == "header" and parameter["name"] == IF_MATCH for parameter in self.says.get("parameters", []))

    @property
    def _has_files(self) -> bool:
        """Whether it answers JSON, and other formats on demand."""
        content: Schema = self._content or {}
        return len(content) > 1 and "application/json" in content

    @property
    def _content(self) -> Schema | None:
        """By media type, what a good answer is."""
        found: Schema | None = next(
            response.get("content") for status, response in self.says["responses"].items() if status.startswith("2")
        )
        return found

    @property
    def answer(self) -> str:
        """The name of the struct; `str` for text, `None` where nothing is said."""
        if self._content is None:
            return "None"
        schema = self._content.get("application/json", {}).get("schema", {})
        return _name_of(schema) if "$ref" in schema else "str"

    @property
    def body(self) -> str | None:
        """The name of the struct of the body."""
        if self.name in BY_HAND or "requestBody" not in self.says:
            return None
        return _name_of(self.says["requestBody"]["content"]["application/json"]["schema"])


def written(document: Schema) -> dict[str, str]:
    """The text of each file by its name."""
    operations = [operation for operation in _operations(document) if not operation.path.startswith(NOT_FOR_CLIENTS)]
    texts = {
        "shapes.py": _shapes(document["components"]["schemas"], operations),
        "calls.py": _calls(document["components"]["schemas"], [one for one in operations if one.name not in BY_HAND]),
        "methods.py": _methods(operations),
    }
    return {name: _formatted(name, text) for name, text in texts.items()}


def _operations(document: Schema) -> Iterator[Operation]:
    for path, item in document["paths"].items():
        for method, says in item.items():
            yield Operation(says["operationId"], method.upper(), path, says)


def _name_of(schema: Schema) -> str:
    return str(schema["$ref"].rpartition("/")[2])


def _reachable(schemas: Mapping[str, Schema], names: Sequence[str]) -> set[str]:
    found: set[str] = set()
    waiting = [name for name in names if name in schemas]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += _references(schemas[name])
    return found


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, Mapping):
        if isinstance(node.get("$ref"), str):
            yield _name_of(node)
        for value in node.values():
            yield from _references(value)
    elif isinstance(node, list):
        for value in node:
            yield from _references(value)


def annotation(schema: Schema, asked: bool) -> str:
    """The Python type of a schema, of what is `asked` or of what is answered."""
    if "$ref" in schema:
        return _name_of(schema)
    for several in ("anyOf", "oneOf"):
        if several in schema:
            return " | ".join(dict.fromkeys(annotation(one, asked) for one in schema[several]))
    if "enum" in schema or "const" in schema:
        return _words(schema.get("enum", [schema.get("const")]), asked)
    kind = str(schema.get("type"))
    if kind == "array":
        items = annotation(schema.get("items", {}), asked)
        return f"Sequence[{items}]" if asked else f"tuple[{items}, ...]"
    if kind == "object":
        values = schema.get("additionalProperties")
        return f"Mapping[str, {annotation(values, asked) if isinstance(values, Mapping) else 'Any'}]"
    return FORMATS.get(schema.get("format", ""), SCALARS.get(kind, "Any"))


def _words(words: Sequence[object], asked: bool) -> str:
    if asked:
        return f"Literal[{', '.join(map(repr, words))}]"
    return " | ".join(dict.fromkeys(type(word).__name__ for word in words))


def _head(summary: str, imports: str) -> list[str]:
    return [f'"""{summary}\n\n{NOTICE}\n"""', "from __future__ import annotations", imports, ""]


def _shapes(schemas: Mapping[str, Schema], operations: Sequence[Operation]) -> str:
    answers = _reachable(schemas, [operation.answer for operation in operations])
    bodies = [schemas[operation.body] for operation in operations if operation.body]
    questions = _reachable(schemas, [name for body in bodies for name in _references(body)])
    imports = (
        "from collections.abc import Mapping, Sequence\nfrom datetime import datetime\nfrom typing import Any, Literal\n"
        "from uuid import UUID\n\nimport msgspec"
    )
    lines = _head("The shapes of answers, and of what questions are made of.", imports)
    for name in schemas:
        if name in answers and name in questions:
            raise ValueError(f"{name} is both asked and answered: give one of them a shape of its own")
        if name in answers | questions:
            lines += _struct(name, schemas[name], name in questions)
    return "\n".join(lines)


def _struct(name: str, schema: Schema, asked: bool) -> list[str]:
    options = "frozen=True, kw_only=True" + (", omit_defaults=True" if asked else "")
    lines = [f"class {name}(msgspec.Struct, {options}):", f'    """{_doc(schema)}"""', ""]
    for field, one in schema.get("properties", {}).items():
        lines.append(f"    {_checked(field)}: {_typed(one, field in schema.get('required', ()), asked)}")
    return [*lines, ""]


def _typed(schema: Schema, required: bool, asked: bool) -> str:
    """A field or a parameter behind its name. Null in a question means what leaving it out means."""
    kind = annotation(schema, asked)
    if required:
        return kind
    return f"{kind} = None" if "None" in kind.split(" | ") else f"{kind} | None = None"


def _doc(schema: Schema) -> str:
    text = str(schema.get("description") or schema.get("title") or "").strip()
    return text.replace("\\", "\\\\").replace('"""', "'''")


def _checked(name: str) -> str:
    if not name.isidentifier() or keyword.iskeyword(name):
        raise ValueError(f"{name!r} cannot be a name in Python: rename it in the API")
    return name


def _calls(schemas: Mapping[str, Schema], operations: Sequence[Operation]) -> str:
    names = sorted({operation.answer for operation in operations} - {"str", "None"} | set(_used(schemas, operations)))
    imports = (
        "from collections.abc import Mapping, Sequence\nfrom typing import Literal\nfrom uuid import UUID\n\n"
        "from segue.client.call import Call, given, path_of, tag_of\n"
        f"from segue.client.generated.shapes import {', '.join(names)}\n"
        "from segue.ids import uuid7"
    )
    lines = _head("Functions that make calls, one for each operation.", imports)
    for operation in operations:
        lines += _function(operation, schemas)
    return "\n".join(lines)


def _used(schemas: Mapping[str, Schema], operations: Sequence[Operation]) -> Iterator[str]:
    for operation in operations:
        if operation.body is not None:
            yield from _references(schemas[operation.body].get("properties", {}))


def _function(operation: Operation, schemas: Mapping[str, Schema]) -> list[str]:
    body = schemas[operation.body] if operation.body else {}
    fields: Mapping[str, Schema] = body.get("properties", {})
    required = [f for f in fields if f in body.get("required", ())]
    path = [p for p in operation.parameters if p["in"] == "path"]
    query = [p for p in operation.parameters if p["in"] == "query"]
    first = [f"{_checked(p['name'])}: str" for p in path] + [f"{_checked(f)}: {annotation(fields[f], True)}" for f in required]
    first += [f"{_checked(p['name'])}: {annotation(p['schema'], True)}" for p in query if p.get("required")]
    rest = [f"{_checked(f)}: {_typed(fields[f], False, True)}" for f in fields if f not in required]
    rest += [f"{_checked(p['name'])}: {_typed(p['schema'], False, True)}" for p in query if not p.get("required")]
    rest += ['if_match: int | Literal["*"] | None = None'] if operation.is_conditional else []
    signature = ", ".join([*first, *(["*", *rest] if rest else [])])
    lines = [f"def {operation.name}({signature}) -> Call[{operation.answer}]:", f'    """{_doc(operation.says)}"""']
    if "event_id" in fields:
        lines += ["    # Chosen here, so that sending it again counts once.", "    event_id = event_id or uuid7()"]
    return [*lines, f"    return Call({', '.join(_arguments(operation, path, query, fields))})", ""]


def _arguments(
    operation: Operation, path: Sequence[Schema], query: Sequence[Schema], fields: Mapping[str, Schema]
) -> Iterator[str]:
    where = "".join(f", {p['name']}={p['name']}" for p in path)
    yield repr(operation.method)
    yield f"path_of({operation.path!r}{where})" if path else repr(operation.path)
    yield "type(None)" if operation.answer == "None" else operation.answer
    if query:
        yield "query={" + ", ".join(f"{p['name']!r}: {p['name']}" for p in query) + "}"
    if operation.body:
        yield f"body=given({', '.join(f'{f}={f}' for f in fields)})"
    if operation.is_conditional:
        yield f"headers=given(**{{{IF_MATCH!r}: tag_of(if_match)}})"
    if _repeatable(operation, fields):
        # What holds for any version would be done to what the first try left.
        yield 'repeatable=if_match != "*"' if operation.is_conditional else "repeatable=True"


def _repeatable(operation: Operation, fields: Mapping[str, Schema]) -> bool:
    """Recommendations change nothing, and an event counts once by its id."""
    return operation.method in ("GET", "PUT", "DELETE") or operation.path.startswith("/recommend/") or "event_id" in fields


def _methods(operations: Sequence[Operation]) -> str:
    homes = "".join(f"from {module} import {name}\n" for name, module in BY_HAND.items())
    imports = (
        f"{homes}from segue.client.generated import calls\n"
        "from segue.client.methods import Awaited, AwaitedPages, Blocking, BlockingPages"
    )
    lines = _head("The methods of both clients.", imports)
    for mixin, one, pages in (("BlockingMethods", "Blocking", "BlockingPages"), ("AsyncMethods", "Awaited", "AwaitedPages")):
        lines += [f"class {mixin}:", '    """One method for each operation."""', ""]
        for operation in operations:
            made = operation.name if operation.name in BY_HAND else f"calls.{operation.name}"
            lines.append(f"    {operation.name} = {one}({made})")
            if any(parameter["name"] == "cursor" for parameter in operation.parameters):
                lines.append(f"    iter_{operation.name.removeprefix('get_')} = {pages}({made})")
        lines.append("")
    return "\n".join(lines)


def _formatted(name: str, text: str) -> str:
    ruff = str(Path(sys.executable).with_name("ruff"))
    path = str(Path(__file__).parent / "generated" / name)
    fixed = [ruff, "check", "--quiet", "--fix-only", "--select", "I,F401", "--stdin-filename", path, "-"]
    for step in (fixed, [ruff, "format", "--stdin-filename", path, "-"]):
        text = subprocess.run(step, input=text, capture_output=True, text=True, check=True).stdout
    return text


def main(document: str) -> None:
    """Write the files."""
    folder = Path(__file__).parent / "generated"
    for name, text in written(json.loads(Path(document).read_text("utf-8"))).items():
        (folder / name).write_text(text, "utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
