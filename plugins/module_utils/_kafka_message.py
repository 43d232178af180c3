# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""Requests that kafka-python does not have, from their schemas. Private to the collection."""

from __future__ import annotations

import typing as t

from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _kafka_client

Field = t.Mapping[str, t.Any]

RESULT: tuple[Field, ...] = (
    {"name": "ThrottleTimeMs", "type": "int32", "versions": "0+"},
    {"name": "ErrorCode", "type": "int16", "versions": "0+"},
    {"name": "ErrorMessage", "type": "string", "versions": "0+", "nullableVersions": "0+"},
)
"""The fields of an answer that tells no more than whether it was done."""


class Message(t.NamedTuple):
    """The classes of a request and its answer. The library finds the answer's only for as long as someone holds it."""

    request: t.Any
    response: t.Any


def make(api_key: int, name: str, request: t.Sequence[Field], response: t.Sequence[Field] = RESULT) -> Message:
    """A message of version 0, with flexible versions from the first."""
    shared = {"apiKey": api_key, "validVersions": "0", "flexibleVersions": "0+"}
    return Message(
        _class(_kafka_client.admin.DescribeQuorumRequest, {**shared, "name": f"{name}Request", "type": "request", "fields": list(request)}),
        _class(_kafka_client.admin.DescribeQuorumResponse, {**shared, "name": f"{name}Response", "type": "response", "fields": list(response)}),
    )


def _class(like: t.Any, schema: dict[str, t.Any]) -> t.Any:
    """The library makes a class of a schema among its own files, found by the class's name, and lets it be changed (``json_patch``)."""
    (parent,) = like.__bases__
    return type(parent)(like.__name__, (parent,), {"json_patch": classmethod(lambda _cls, _json: dict(schema))})
