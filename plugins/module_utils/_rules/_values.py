# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""Single values of a configuration, as ``ConfigDef.parseValue`` and the parsers of controller addresses read them."""

from __future__ import annotations

import functools
import typing as t

from ansible_collections.kafkaops.kubernetes.plugins.module_utils._rules import _java
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._rules._endpoints import (
    PROTOCOLS,
    Bad,
    HostPort,
    host_port,
    valid_host,
)
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._rules._keys import Key, Value, keys_of, protocol_version, refusal
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._rules._release import Release

_SHORT = 300  # longer values are not remembered


class MapEntry(t.NamedTuple):
    """One entry of listener.security.protocol.map; ``key`` as written, ``name`` upper-cased."""

    key: str
    name: str
    protocol: str


class Voter(t.NamedTuple):
    """One entry of controller.quorum.voters. ``ignored``: text that this release skips silently."""

    id: int
    host: str
    port: int
    ignored: str = ""


def parse_value(key: Key, text: str, release: Release) -> tuple[Value, str | None]:
    """``ConfigDef.parseValue``: the value, or why it is refused."""
    try:
        value = key.parse(text)
    except ValueError as error:
        return None, str(error)
    if key.check in ("voters", "bootstrap", "version"):
        return value, _refused_specially(key.check, t.cast(t.Any, value), release)
    if isinstance(value, list) and key.check[:1] == "~":
        value = list(dict.fromkeys(value))
    return value, refusal(key, value)


def remembered_value(key: Key, text: str, release: Release) -> tuple[Value, str | None]:
    """``parse_value``: the nodes of a cluster have most of their values in common. Whoever gets a list leaves it as it is."""
    return _remembered(release, key.name, text) if len(text) <= _SHORT else parse_value(key, text, release)


@functools.lru_cache(maxsize=16_384)
def _remembered(release: Release, name: str, text: str) -> tuple[Value, str | None]:
    return parse_value(keys_of(release)[name], text, release)


def _refused_specially(check: str, value: t.Any, release: Release) -> str | None:
    if check == "version":
        known = protocol_version(value, release.minor) is not None
        return None if known else f"is not a version that Kafka {release} knows"
    strict = strict_addresses(release)
    for entry in value:
        problem = voter(entry, strict) if check == "voters" else bootstrap(entry, strict)
        if isinstance(problem, Bad):
            return f"{_short(problem.text)} {problem.reason}"
    return None


def protocol_map(text: str, blank_refused: bool, case_refused: bool) -> tuple[tuple[MapEntry, ...], tuple[Bad, ...]]:
    """``listener.security.protocol.map``: the entries, and what Kafka refuses in it: blank names, names equal but for case."""
    read = _remembered_map if len(text) <= _SHORT else _protocol_map
    return read(text, blank_refused, case_refused)


def _protocol_map(text: str, blank_refused: bool, case_refused: bool) -> tuple[tuple[MapEntry, ...], tuple[Bad, ...]]:
    entries: dict[str, MapEntry] = {}
    problems: list[Bad] = []
    for item in _java.split_commas(text) if text else []:
        key, colon, value = item.rpartition(":")
        if not colon:
            problems.append(Bad("MAP-SYNTAX", item, "has no colon"))
            continue
        key, value = _java.trim(key), _java.trim(value)
        # Csv.parseCsvMap: a map by the key as written, so the last one of equal keys stays.
        entries[key] = MapEntry(key, _java.upper(key), _java.upper(value))
    names: dict[str, MapEntry] = {}
    for entry in entries.values():
        if blank_refused and _java.is_blank(entry.key):
            problems.append(Bad("LSN-NAME-EMPTY", f":{entry.protocol}", "has no listener name"))
        elif entry.protocol not in PROTOCOLS:
            problems.append(Bad("MAP-PROTO", f"{entry.key}:{entry.protocol}", "names no security protocol"))
        elif entry.name in names and case_refused:
            problems.append(Bad("MAP-DUP-CASE", entry.key, f"is the same listener as {names[entry.name].key}"))
        else:
            names[entry.name] = entry
    return tuple(entries.values()), tuple(problems)


_remembered_map = functools.lru_cache(maxsize=1024)(_protocol_map)


def strict_addresses(release: Release) -> bool:
    """Which of the two patterns ``Utils.getHost`` has: strict in 3.8, 3.9.0 and from 4.0 on, lax otherwise."""
    return release.minor == (3, 8) or release.minor >= (4, 0) or release == ((3, 9), 0)


def voter(text: str, strict: bool) -> Voter | Bad:
    """``QuorumConfig.parseVoterConnections``."""
    parts = _java.split(text, "@")
    if len(parts) != 2:
        return Bad("VOT-SYNTAX", text, "is not of the form id@host:port")
    number = _java.integer(parts[0], "INT")
    if number is None:
        return Bad("VOT-SYNTAX", text, "has an id that is no number")
    address = _address(parts[1], strict)
    if isinstance(address, str):
        return Bad("VOT-PORT-RANGE" if "65535" in address else "VOT-SYNTAX", text, address)
    return Voter(number, address.host, address.port or 0, address.ignored)


def bootstrap(text: str, strict: bool) -> HostPort | Bad:
    """``QuorumConfig.parseBootstrapServer``."""
    address = _address(text, strict)
    return Bad("BS-SYNTAX", text, address) if isinstance(address, str) else address


def _address(text: str, strict: bool) -> HostPort | str:
    address = host_port(text, strict)
    if address is None or not valid_host(address.host):
        return "has no host and port that can be read"
    if address.port is None:
        return "has a port that is no number"
    if address.port > 65535:
        return "has a port above 65535"
    return address


def _short(text: str) -> str:
    return repr(text if len(text) <= 100 else f"{text[:100]}...")
