# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""Which objects a server-side apply would change. Private to the collection.

Applying costs two requests and some 50 ms an object, and a second for the first. The API server keeps, for each
field manager, which fields it set (``metadata.managedFields``): an apply changes nothing exactly where every field of
the object asked for is ours with the value that is there, and no other field is ours. Whatever is not plainly so
counts as changed, and the API server decides.
"""

from __future__ import annotations

import json
import typing as t

Object = t.Mapping[str, t.Any]

FIELD_MANAGER = "kafkaops.kubernetes"
_NOT_FIELDS = ("apiVersion", "kind")
_NOT_METADATA = ("name", "namespace")


_OTHERS = frozenset(("replicas",))
"""What someone else may have set to the value that is wanted: nodes are stopped by whoever asks the gate."""


def changed(wanted: t.Iterable[Object], there: t.Iterable[Object]) -> list[Object]:
    """Those of the objects ``wanted`` that are not ``there`` as an apply would leave them."""
    found = {_key(obj): obj for obj in there}
    return [obj for obj in wanted if not is_applied(obj, found.get(_key(obj)))]


def is_applied(wanted: Object, there: Object | None) -> bool:
    """Whether an apply of ``wanted`` would leave the object that is ``there`` as it is."""
    if there is None:
        return False
    for entry in (there.get("metadata") or {}).get("managedFields") or []:
        if entry.get("manager") == FIELD_MANAGER and entry.get("operation") == "Apply" and not entry.get("subresource"):
            fields = t.cast("Object", entry.get("fieldsV1") or {})
            return _same(_comparable(wanted), there, fields)
    return False


def _key(obj: Object) -> tuple[str, str]:
    return obj["kind"], obj["metadata"]["name"]


def _comparable(obj: Object) -> Object:
    """The object without what no manager owns."""
    found = {name: value for name, value in obj.items() if name not in _NOT_FIELDS}
    found["metadata"] = {name: value for name, value in obj["metadata"].items() if name not in _NOT_METADATA}
    return found


def _same(wanted: t.Any, there: t.Any, fields: Object) -> bool:
    """``fields``: what is ours below this value, as ``fieldsV1`` has it; a leaf is empty, and owned as a whole."""
    if not _below(fields):
        return equal(wanted, there)
    if isinstance(wanted, dict) and isinstance(there, dict):
        ours = {key[2:]: below for key, below in fields.items() if key.startswith("f:")}
        same = set(ours) <= set(wanted) and set(wanted) - set(ours) <= _OTHERS
        return same and all(name in there and _same(wanted[name], there[name], ours.get(name, {})) for name in wanted)
    if isinstance(wanted, list) and isinstance(there, list):
        return _same_items(wanted, there, {key: below for key, below in fields.items() if key != "."})
    return False


_DEFAULTED = frozenset(("creationTimestamp", "status", "volumeMode"))
"""What the API server adds to a claim's template, which is owned as a whole."""


def equal(wanted: t.Any, there: t.Any) -> bool:
    """Whether a value that is owned as a whole is ``there`` as ``wanted``, but for what the API server adds."""
    if isinstance(wanted, dict) and isinstance(there, dict):
        return set(there) - set(wanted) <= _DEFAULTED and all(name in there and equal(wanted[name], there[name]) for name in wanted)
    if isinstance(wanted, list) and isinstance(there, list):
        return len(wanted) == len(there) and all(equal(one, other) for one, other in zip(wanted, there))
    return bool(wanted == there)


def _below(fields: Object) -> bool:
    return any(key != "." for key in fields)


def _same_items(wanted: list[t.Any], there: list[t.Any], fields: Object) -> bool:
    """Lists whose items are owned one by one: known by some of their fields (``k:``) or by their value (``v:``)."""
    if len(wanted) != len(fields):
        return False
    for key, below in fields.items():
        kind, _colon, text = key.partition(":")
        wanted_item, item = _item(wanted, kind, text), _item(there, kind, text)
        if wanted_item is None or item is None or not (kind == "v" or _same(wanted_item, item, below)):
            return False
    return True


def _item(items: list[t.Any], kind: str, text: str) -> t.Any:
    known = json.loads(text)
    for item in items:
        if item == known if kind == "v" else isinstance(item, dict) and all(item.get(name) == value for name, value in known.items()):
            return item
    return None
