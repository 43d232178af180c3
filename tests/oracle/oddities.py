# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""Changes to a configuration that nobody would think of, but somebody writes: blanks, letters, limits, mixtures.

Each takes the generator (for its randomness and its release) and the configuration, and changes it in place.
"""

from __future__ import annotations

import typing as t

from ansible_collections.kafkaops.kubernetes.plugins.module_utils._rules._keys import Key, protocol_order
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._rules._registry import BASES

if t.TYPE_CHECKING:
    from ansible_collections.kafkaops.kubernetes.tests.oracle.configurations import Generator

Properties = dict[str, str]

BLANKS = (" ", "  ", "\t", "\n", "\r\n", "\x0b", "\x0c", "\x00", "\x1f", "\x85", "\xa0", "\u2003", "\u2028", "\ufeff")
LETTERS = (*",,::@@//..--[]{}()$_%+*;=\"'\\#|<>?!~^&`0129aZ", "é", "ſ", "ß", "ı", "İ", "K", "ﬁ", "٣", "０", "𝟗", "😀")
_LISTED = ("listeners", "advertised.listeners", "listener.security.protocol.map", "controller.quorum.voters", "controller.listener.names", "process.roles")
_PROVIDERS = (
    "org.apache.kafka.common.config.provider.FileConfigProvider", "org.apache.kafka.common.config.provider.ConfigProvider",
    "org.apache.kafka.common.config.provider.DirectoryConfigProvider", "org.apache.kafka.common.config.provider.EnvVarConfigProvider",
    "org.apache.kafka.no.Such", "", " ",
)  # fmt: skip
_REMOTE = (
    "remote.log.storage.system.enable", "remote.log.storage.manager.class.name", "remote.log.storage.manager.class.path",
    "remote.log.storage.manager.impl.prefix", "remote.log.metadata.manager.class.name", "remote.log.metadata.manager.impl.prefix",
    "remote.log.metadata.manager.listener.name", "remote.log.index.file.cache.total.size.bytes", "remote.log.reader.threads",
    "remote.log.manager.thread.pool.size", "remote.log.manager.copier.thread.pool.size", "remote.log.manager.expiration.thread.pool.size",
    "remote.log.manager.follower.thread.pool.size", "remote.fetch.max.wait.ms", "remote.log.manager.copy.max.bytes.per.second",
    "log.local.retention.ms", "log.local.retention.bytes", "remote.log.manager.task.retry.jitter",
)  # fmt: skip


def blank(generator: Generator, properties: Properties) -> None:
    """A blank somewhere in a value, or around it."""
    key = _some_key(generator, properties)
    if key:
        value = properties[key]
        places = [0, len(value), *(index for index, character in enumerate(value) if character in ",:/@."), *(value.find(",") + 1,)]
        at = generator.pick(places) + generator.pick((0, 0, 1))
        properties[key] = value[:at] + generator.pick(BLANKS) + value[at:]


def letter(generator: Generator, properties: Properties) -> None:
    """A letter too many, too few, or another one."""
    key = _some_key(generator, properties)
    if key:
        value = properties[key]
        at = generator.random.randint(0, len(value))
        put = generator.pick(("", generator.pick(LETTERS), generator.pick(LETTERS)))
        properties[key] = value[:at] + put + value[at + generator.pick((0, 1)) :]


def other_case(generator: Generator, properties: Properties) -> None:
    """A value, or an item of it, in the other case."""
    key = _some_key(generator, properties)
    if key:
        items = properties[key].split(",")
        at = generator.random.randrange(len(items))
        items[at] = generator.pick((str.upper, str.lower, str.swapcase, str.title))(items[at])
        properties[key] = ",".join(items)


def items(generator: Generator, properties: Properties) -> None:
    """The items of a list once more, in another order, or without one of them."""
    key = generator.pick(_LISTED)
    if properties.get(key):
        listed = properties[key].split(",")
        kind = generator.random.randrange(4)
        if kind == 0:
            listed.append(generator.pick(listed))
        elif kind == 1:
            generator.random.shuffle(listed)
        elif kind == 2:
            del listed[generator.random.randrange(len(listed))]
        else:
            listed.insert(generator.random.randint(0, len(listed)), "")
        properties[key] = ",".join(listed)


def mixture(generator: Generator, properties: Properties) -> None:
    """Some keys of another kind of node."""
    other = BASES[generator.pick(sorted(BASES))]
    for key in generator.random.sample(sorted(other), k=generator.random.randint(1, 4)):
        if generator.minor <= (3, 7) and key == "controller.quorum.voters":
            continue  # these releases look the hosts up
        if generator.minor >= (2, 8) or key != "process.roles":
            properties[key] = other[key]


def limit(generator: Generator, properties: Properties) -> None:
    """A number at a limit of its key, at a default, or at the value of a related key."""
    key = generator.pick(generator.numbers)
    if key.kind == "DOUBLE":
        near = ["-0.1", "0", "0.0", "1", "1.0", "1.0000001", "-0.0", "4.9e-324", "1e-400", "NaN"]
    else:
        family = [other for other in generator.numbers if other.name.split(".")[:2] == key.name.split(".")[:2] and other.kind != "DOUBLE"]
        of = generator.pick(family)
        numbers = [number for number in (*_limits(key), _default(key), _default(of), properties.get(of.name)) if number is not None]
        near = [str(int(number) + step) for number in numbers if _is_number(number) for step in (-1, 0, 1)] or ["0"]
    properties[key.name] = generator.pick(near)


def sasl_prefixes(generator: Generator, properties: Properties) -> None:
    """SASL between brokers, with settings of the listener and of its mechanism."""
    protocol = generator.pick(("SASL_PLAINTEXT", "SASL_SSL", "SASL_PLAINTEXT"))
    name = generator.pick((protocol, "INTERNAL", "internal"))
    roles = properties.get("process.roles", "")
    others = f",CONTROLLER:{generator.pick(('PLAINTEXT', 'SASL_PLAINTEXT', 'SSL'))}"
    properties["listener.security.protocol.map"] = f"{name}:{protocol}{others}"
    if "controller" not in roles or "broker" in roles:
        extra = ",CONTROLLER://:9093" if "controller" in roles else ""
        properties["listeners"] = f"{name}://:9092{extra}"
        properties["advertised.listeners"] = f"{name}://h:9092"
    properties.pop("security.inter.broker.protocol", None)
    properties["inter.broker.listener.name"] = name
    mechanisms = ("PLAIN", "GSSAPI", "SCRAM-SHA-256", "plain", "PLAIN,GSSAPI", "", "PLAIN,")
    for prefix in generator.random.sample(("", f"listener.name.{name.lower()}.", f"listener.name.{name}.", "listener.name.controller."), k=2):
        properties[f"{prefix}sasl.enabled.mechanisms"] = generator.pick(mechanisms)
    properties["sasl.mechanism.inter.broker.protocol"] = generator.pick(mechanisms[:4])
    if generator.random.random() < 0.5:
        key: Key = generator.pick([key for key in generator.keys if key.name.startswith(("sasl.", "ssl.", "connections.", "principal", "num.network"))])
        middle = generator.pick(("", "plain.", "gssapi.", "scram-sha-256.", "PLAIN.", "x."))
        properties[f"listener.name.{name.lower()}.{middle}{key.name}"] = generator.value(key)


def providers(generator: Generator, properties: Properties) -> None:
    """Values that come from elsewhere, and where from."""
    properties["config.providers"] = generator.pick(("p", "p", "p,q", " p", "p, q", "", "q", "p,"))
    for name in generator.random.sample(("p", "q", " q"), k=generator.random.randint(0, 2)):
        properties[f"config.providers.{name}.class"] = generator.pick(_PROVIDERS)
    if generator.random.random() < 0.3:
        key = _some_key(generator, properties)
        properties[key or "broker.rack"] = generator.pick(("${r:/a:b}", "${p", "${}", "${p}", "$p:b", "{p:b}", "${r:b}"))


def tiers(generator: Generator, properties: Properties) -> None:
    """Tiered storage."""
    known = {key.name: key for key in generator.keys}
    for name in generator.random.sample(_REMOTE, k=generator.random.randint(1, 4)):
        if name in known:
            properties[name] = "true" if name.endswith("enable") and generator.random.random() < 0.7 else generator.value(known[name])


def versions(generator: Generator, properties: Properties) -> None:
    """Every name of a protocol version, long, short and odd."""
    name = generator.pick(list(protocol_order()))
    short = name.partition("-")[0]
    odd = (name, name, short, short, f"{short}.0", f"{short}.1", f"{short}.", f" {short} ", f"{short}-IV9", name.lower(), f"{name}.1", f"0{short}", short[:3])
    properties["inter.broker.protocol.version"] = generator.pick(odd)
    if generator.random.random() < 0.3:
        properties["log.message.format.version"] = generator.pick(odd)
    if generator.minor >= (3, 4) and generator.random.random() < 0.4:
        properties["zookeeper.metadata.migration.enable"] = "true"
        properties["zookeeper.connect"] = "zk:2181"


def migration(generator: Generator, properties: Properties) -> None:
    """A migration half way: the keys of both worlds."""
    if generator.minor < (3, 4):
        return
    settings: dict[str, t.Sequence[str | None]] = {
        "zookeeper.metadata.migration.enable": ("true", "true", "false", " TRUE "),
        "zookeeper.connect": ("zk:2181", "", None),
        "controller.listener.names": ("CONTROLLER", "", None, "PLAINTEXT", "CONTROLLER,C2"),
        "controller.quorum.voters": ("3000@127.0.0.1:9093", "1@127.0.0.1:9093", "", None),
        "controller.quorum.bootstrap.servers": ("127.0.0.1:9093", "", None, None),
        "process.roles": ("broker", "controller", "broker,controller", None, None, ""),
        "node.id": ("1", "3000", "-1", None, None),
        "broker.id": ("1", "2", "-1", None, None),
        "broker.id.generation.enable": ("true", "false", None, None),
        "log.dirs": ("/a", "/a,/b", None),
        "authorizer.class.name": ("kafka.security.authorizer.AclAuthorizer", None, None, ""),
        "control.plane.listener.name": ("CONTROLLER", "PLAINTEXT", "SSL", None, None, None),
        "inter.broker.protocol.version": ("3.3", "3.4", "3.4-IV0", "3.7-IV1", "3.7-IV2", None, None),
        "listeners": ("PLAINTEXT://:9092", "PLAINTEXT://:9092,CONTROLLER://:9093", "CONTROLLER://:9093", "PLAINTEXT://:9092,SSL://:9094"),
        "advertised.listeners": ("PLAINTEXT://h:9092", "PLAINTEXT://h:9092,CONTROLLER://h:9093", "CONTROLLER://h:9093", None, None),
    }
    for key in generator.random.sample(sorted(settings), k=generator.random.randint(3, len(settings))):
        value = generator.pick(settings[key])
        if value is None:
            properties.pop(key, None)
        else:
            properties[key] = value


def unusual_key(generator: Generator, properties: Properties) -> None:
    """A key that is nearly another one, with the value of the right one."""
    key = _some_key(generator, properties)
    if key:
        name = generator.pick((f"{key} ", f" {key}", key.upper(), key.replace(".", "_"), f"{key}.", key[1:]))
        properties[name] = properties[key]
        if generator.random.random() < 0.5:
            del properties[key]


def _some_key(generator: Generator, properties: Properties) -> str:
    return str(generator.pick(sorted(properties))) if properties else ""


def _limits(key: Key) -> list[str]:
    bounds, _bar, extra = key.check.partition("|")
    if bounds.startswith(">="):
        return [bounds[2:], *([extra] if extra else [])]
    if ".." in bounds and not bounds.startswith(("in", "ci", "list", "~")):
        return [*bounds.split(".."), *([extra] if extra else [])]
    return []


def _default(key: Key) -> str | None:
    return str(key.default) if isinstance(key.default, int) and not isinstance(key.default, bool) else None


def _is_number(text: str) -> bool:
    return text.lstrip("-").isascii() and text.lstrip("-").isdigit() and len(text) < 25


ALL: tuple[t.Callable[[Generator, Properties], None], ...] = (
    blank, blank, letter, letter, letter, other_case, other_case, items, items, mixture, limit, limit, sasl_prefixes, providers, tiers, versions, migration,
    unusual_key,
)  # fmt: skip
