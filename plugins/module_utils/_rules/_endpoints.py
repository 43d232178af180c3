# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""Listener lists, host and port texts, and IP addresses, as Kafka reads them. Everything here is linear in the text."""

from __future__ import annotations

import functools
import re
import string
import typing as t

from ansible_collections.kafkaops.kubernetes.plugins.module_utils._rules import _java

PROTOCOLS = ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")

_HOST_CHARACTERS = re.compile(r"[0-9a-zA-Z\-%._:]*")
_HOST_ALPHABET = string.ascii_letters + string.digits + "-%._:"
_SCHEME = re.compile(r"[0-9a-zA-Z\-%._]*")
_DIGITS = re.compile(r"[0-9]+")
_LINE_END = re.compile("[\n\r\u0085\u2028\u2029]")
_LABEL = re.compile(r"[0-9a-zA-Z](?:[0-9a-zA-Z-]{0,61}[0-9a-zA-Z])?")


class Endpoint(t.NamedTuple):
    """One entry of a listener list. ``host``: None for the wildcard. ``port``: a Java int."""

    name: str
    host: str | None
    port: int

    def __str__(self) -> str:
        """As the user would write it."""
        return f"{self.name}://{self.host or ''}:{self.port}"


class Bad(t.NamedTuple):
    """An entry that Kafka refuses: the rule that says so, the entry, and the reason."""

    rule: str
    text: str
    reason: str


Entry = t.Union[Endpoint, Bad]

_Function = t.TypeVar("_Function", bound=t.Callable[..., t.Any])


def _remembered(function: _Function) -> _Function:
    """Keeps answers about short texts: all nodes of a cluster have the same voters, and most of the same hosts."""
    cached = functools.lru_cache(maxsize=8192)(function)

    @functools.wraps(function)
    def answer(text: str, *arguments: t.Any) -> t.Any:
        return cached(text, *arguments) if len(text) <= 300 else function(text, *arguments)

    return t.cast(_Function, answer)


@_remembered
def parse_endpoint(text: str, blank_name_refused: bool) -> Entry:
    r"""``EndPoint.createEndPoint`` / ``SocketServerConfigs``: ``^(.*)://\[?([0-9a-zA-Z\-%._:]*)\]?:(-?[0-9]+)$``.

    The host has no slash, so that only the last ``://`` can be the one in the middle.
    """
    unparsable = Bad("LSN-PARSE", text, "is not of the form NAME://host:port")
    head, separator, rest = text.rpartition("://")
    if not separator or _LINE_END.search(head):
        return unparsable
    host, colon, port_text = rest.rpartition(":")
    if not colon or not _DIGITS.fullmatch(port_text[1:] if port_text[:1] == "-" else port_text):
        return unparsable
    bare = without_brackets(host)
    if not _HOST_CHARACTERS.fullmatch(bare):
        return unparsable
    port = _java.integer(port_text, "INT")
    if port is None:
        return Bad("LSN-PORT-INT", text, "has a port that is no 32-bit number")
    if blank_name_refused and _java.is_blank(head):
        return Bad("LSN-NAME-EMPTY", text, "has no listener name")
    return Endpoint(_java.upper(head), bare or None, port)


def without_brackets(host: str) -> str:
    """One ``[`` in front and one ``]`` behind go, each on its own, as the regular expressions of Kafka do it."""
    if host[:1] == "[":
        host = host[1:]
    return host[:-1] if host[-1:] == "]" else host


class HostPort(t.NamedTuple):
    """``ignored`` is text in front that Kafka skips without a word."""

    host: str
    port: int | None
    ignored: str = ""


@_remembered
def host_port(text: str, strict: bool) -> HostPort | None:
    """``Utils.getHost`` and ``getPort``; None where they find nothing; ``port`` None where it is no int.

    Strict (3.8, 4.0 and later) wants ``(scheme://)?host:port``; lax (2.8 to 3.7 and 3.9) skips any text in front.
    """
    front, colon, port_text = text.rpartition(":")
    if not colon or not _DIGITS.fullmatch(port_text):
        return None
    port = _java.integer(port_text, "INT")
    if strict:
        scheme, separator, host = front.rpartition("://")
        if separator and not _SCHEME.fullmatch(scheme):
            return None
        host = without_brackets(host)
        return HostPort(host, port, scheme + separator) if _HOST_CHARACTERS.fullmatch(host) else None
    bare = front[:-1] if front[-1:] == "]" else front
    ignored = bare.rstrip(_HOST_ALPHABET)
    start = len(ignored)
    if _LINE_END.search(ignored):
        return None
    return HostPort(bare[start:], port, "" if ignored == "[" else ignored)


def valid_host(text: str) -> bool:
    """``Utils.validHostPattern``: only characters that can be in a host name or an address."""
    return bool(_HOST_CHARACTERS.fullmatch(text))


@_remembered
def is_ipv4(text: str) -> bool:
    """``InetAddressValidator.isValidInet4Address`` of commons-validator: dotted quad without leading zeros."""
    parts = text.split(".") if len(text) <= 15 else []
    return len(parts) == 4 and all(
        part.isascii() and part.isdigit() and len(part) <= 3 and int(part) < 256 and (part == "0" or part[0] != "0") for part in parts
    )


@_remembered
def is_ipv6(text: str) -> bool:
    """``InetAddressValidator.isValidInet6Address``: with zone id, prefix length and embedded IPv4."""
    if len(text) > 200:
        return False
    text, slash, bits = text.partition("/")
    if slash and not (bits.isascii() and bits.isdigit() and len(bits) <= 3 and int(bits) <= 128):
        return False
    text, percent, zone = text.partition("%")
    if percent and (not zone or "%" in zone):
        return False
    compressed = text.count("::") == 1 and ":::" not in text
    if "::" in text and not compressed:
        return False
    if (text.startswith(":") and not text.startswith("::")) or (text.endswith(":") and not text.endswith("::")):
        return False
    octets = _java.split(text, ":")
    if compressed:
        if text.endswith("::"):
            octets.append("")
        elif text.startswith("::"):
            octets.pop(0)
    return len(octets) <= 8 and _octets_fill(octets, compressed)


def _octets_fill(octets: list[str], compressed: bool) -> bool:
    valid = empty = 0
    for index, octet in enumerate(octets):
        if not octet:
            empty += 1
            if empty > 1:
                return False
        else:
            empty = 0
            if index == len(octets) - 1 and "." in octet:
                if not is_ipv4(octet):
                    return False
                valid += 1
            elif not re.fullmatch("[0-9a-fA-F]{1,4}", octet):
                return False
        valid += 1
    return valid == 8 or (valid < 8 and compressed)


def is_ip(text: str) -> bool:
    """``InetAddressValidator.isValid``."""
    return is_ipv4(text) or is_ipv6(text)


@_remembered
def is_dns_name(text: str) -> bool:
    """A name that DNS can hold and Kubernetes hands out: labels of letters, digits and inner dashes, 253 in all."""
    name = text[:-1] if text.endswith(".") else text
    return 0 < len(name) <= 253 and all(_LABEL.fullmatch(label) for label in name.split("."))


def is_loopback(host: str) -> bool:
    """Whether an address or name can only mean the pod itself."""
    lowered = host.lower()
    return lowered in ("localhost", "localhost.localdomain", "::1", "0:0:0:0:0:0:0:1") or (lowered.startswith("127.") and is_ipv4(lowered))


def is_wildcard(host: str) -> bool:
    """Whether an address means "any", other than the one text ``0.0.0.0`` that Kafka itself looks for."""
    lowered = host.lower()
    if lowered in ("0", "0.0", "0.0.0", "::", "0x0", "00.00.00.00"):
        return True
    return ":" in lowered and is_ipv6(lowered) and not lowered.partition("%")[0].strip("0:.")


def duplicate_ports(endpoints: t.Sequence[Endpoint], minor: tuple[int, int]) -> dict[int, list[Endpoint]]:
    """The ports that Kafka refuses to bind twice (``CoreUtils.validate``, ``AbstractKafkaConfig.validate``).

    From 3.6 on one IPv4 and one IPv6 address may share a port. Port 0 is exempt, -1 is not.
    """
    by_port: dict[int, list[Endpoint]] = {}
    for endpoint in endpoints:
        if endpoint.port:
            by_port.setdefault(endpoint.port, []).append(endpoint)
    return {
        port: same for port, same in by_port.items() if len(same) > 1 and not (minor >= (3, 6) and _both_stacks([endpoint.host or "" for endpoint in same]))
    }


def _both_stacks(hosts: list[str]) -> bool:
    if len(hosts) != 2 or not all(map(is_ip, hosts)):
        return False
    first, second = hosts
    return (is_ipv4(first) and is_ipv6(second)) or (is_ipv6(first) and is_ipv4(second))
