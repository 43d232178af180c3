# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""The properties of a process from its container: environment by kind of image, or a file. Private to the collection."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _properties
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._cluster_rules import _images, _pods, _shell
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._cluster_rules._pods import Files, Object, Pod, items, mapping, text

KAFKA_FILES = ("server.properties", "kafka.properties", "broker.properties", "controller.properties")
ZOOKEEPER_FILES = ("zoo.cfg", "zookeeper.properties")

_HOSTS = re.compile(r"://[^:]*:")
_PLACEHOLDER = re.compile(r"[$#`]|\{\{|__[A-Z]+__|@[A-Z_]+@")
_CP_ZOOKEEPER = {
    "ZOOKEEPER_CLIENT_PORT": "clientPort",
    "ZOOKEEPER_SECURE_CLIENT_PORT": "secureClientPort",
    "ZOOKEEPER_TICK_TIME": "tickTime",
    "ZOOKEEPER_INIT_LIMIT": "initLimit",
    "ZOOKEEPER_SYNC_LIMIT": "syncLimit",
    "ZOOKEEPER_MAX_CLIENT_CNXNS": "maxClientCnxns",
    "ZOOKEEPER_MIN_SESSION_TIMEOUT": "minSessionTimeout",
    "ZOOKEEPER_MAX_SESSION_TIMEOUT": "maxSessionTimeout",
    "ZOOKEEPER_AUTOPURGE_SNAP_RETAIN_COUNT": "autopurge.snapRetainCount",
    "ZOOKEEPER_AUTOPURGE_PURGE_INTERVAL": "autopurge.purgeInterval",
    "ZOOKEEPER_QUORUM_LISTEN_ON_ALL_IPS": "quorumListenOnAllIPs",
    "ZOOKEEPER_ELECTION_PORT_BIND_RETRY": "electionPortBindRetry",
}
_ZOO = {
    "ZOO_TICK_TIME": "tickTime",
    "ZOO_INIT_LIMIT": "initLimit",
    "ZOO_SYNC_LIMIT": "syncLimit",
    "ZOO_MAX_CLIENT_CNXNS": "maxClientCnxns",
    "ZOO_MAX_SESSION_TIMEOUT": "maxSessionTimeout",
    "ZOO_AUTOPURGE_PURGEINTERVAL": "autopurge.purgeInterval",
    "ZOO_AUTOPURGE_SNAPRETAINCOUNT": "autopurge.snapRetainCount",
    "ZOO_4LW_COMMANDS_WHITELIST": "4lw.commands.whitelist",
    "ZOO_STANDALONE_ENABLED": "standaloneEnabled",
    "ZOO_PORT_NUMBER": "clientPort",
    "ZOO_LISTEN_ALLIPS_ENABLED": "quorumListenOnAllIPs",
}
_OPTION = re.compile(r"-Dzookeeper\.([A-Za-z0-9.]+)=(\S+)")
_OPTIONS = ("KAFKA_OPTS", "JVMFLAGS", "SERVER_JVMFLAGS")


class Settings(t.NamedTuple):
    """``properties`` that are known, ``unread`` ones by name with the reason, ``myid`` of a ZooKeeper server."""

    properties: dict[str, str]
    unread: dict[str, str]
    myid: str | None = None


def of_kafka(container: Object, pod: Pod, family: _images.Family, files: Files) -> Settings:
    """The properties that a Kafka container starts with."""
    environment = _pods.shell_environment(container, pod, files)
    properties, unread = _from_file(container, pod, files, KAFKA_FILES)
    for variable, value in environment.items():
        key = _images.property_of(variable, family)
        # Set to nothing it only keeps the kubelet from setting it; Confluent's script looks at the value alone.
        emptied = value == "" and family.refuses_port and variable in ("KAFKA_PORT", "KAFKA_ADVERTISED_PORT")
        if key and not emptied:
            _put(properties, unread, key, value, f"the value of variable {variable} is not in the manifests")
    for key, value in _shell.overrides(_pods.script(container), {"HOSTNAME": pod.name, **environment}).items():
        _put(properties, unread, key, value, "the shell works it out")
    if family is _images.APACHE and not properties and not unread:
        properties = dict(_images.DEFAULT_FILE)
    if "log.dirs" not in properties and "log.dir" not in properties and "log.dirs" not in unread and family.log_dirs:
        properties["log.dirs"] = family.log_dirs
    listeners = derived_listeners(environment, family)
    if listeners:
        properties["listeners"] = listeners
    _tls_files(environment, family, properties)
    return Settings(properties, unread)


def derived_listeners(environment: t.Mapping[str, str | None], family: _images.Family) -> str:
    """What an image binds where KAFKA_LISTENERS is not set: the advertised listeners on all addresses; or empty."""
    advertised = environment.get("KAFKA_ADVERTISED_LISTENERS")
    if not family.derives_listeners or not advertised or environment.get("KAFKA_LISTENERS", "") != "":
        return ""
    return "" if environment.get("KAFKA_PROCESS_ROLES") == "controller" else _HOSTS.sub("://0.0.0.0:", advertised)


def _tls_files(environment: t.Mapping[str, str | None], family: _images.Family, properties: dict[str, str]) -> None:
    """Confluent's and Apache's scripts name the stores by file, and read the passwords from files."""
    if family not in (_images.CONFLUENT, _images.APACHE):
        return
    for store in ("KEYSTORE", "TRUSTSTORE"):
        name = environment.get(f"KAFKA_SSL_{store}_FILENAME")
        if name:
            properties.setdefault(f"ssl.{store.lower()}.location", f"/etc/kafka/secrets/{name}")
            properties.setdefault(f"ssl.{store.lower()}.password", "in a file")


def of_zookeeper(container: Object, pod: Pod, family: _images.Family, files: Files) -> Settings:
    """The properties and the number of a ZooKeeper server."""
    environment = _pods.shell_environment(container, pod, files)
    known = {name: value for name, value in environment.items() if value is not None}
    script = _pods.script(container)
    if family is _images.CONFLUENT_ZOOKEEPER:
        properties, myid = _confluent_zookeeper(known), known.get("ZOOKEEPER_SERVER_ID")
    elif family in (_images.ZOOKEEPER, _images.BITNAMI_ZOOKEEPER):
        properties = _official_zookeeper(known, family)
        myid = known.get("ZOO_MY_ID") or known.get("ZOO_SERVER_ID") or "1"
    else:
        properties, _unread = _from_file(container, pod, files, ZOOKEEPER_FILES)
        started = re.search(r"\bzookeeper\s+\S+\s+([0-9]{1,9})\s*$", script)
        myid = started[1] if started else _shell.myid(script, {"HOSTNAME": pod.name, **environment})
    for name in _OPTIONS:
        properties.update(dict(_OPTION.findall(known.get(name, ""))))
    unread = any(name in environment and environment[name] is None for name in ("ZOOKEEPER_SERVERS", "ZOO_SERVERS"))
    return Settings(properties, {"server.N": "the list of servers is not in the manifests as it is used"} if unread else {}, myid)


def _confluent_zookeeper(known: t.Mapping[str, str]) -> dict[str, str]:
    properties = {"dataDir": "/var/lib/zookeeper/data", "dataLogDir": "/var/lib/zookeeper/log"}
    properties.update({key: known[variable] for variable, key in _CP_ZOOKEEPER.items() if variable in known})
    servers = [item for item in known.get("ZOOKEEPER_SERVERS", "").split(";") if item]
    if servers:
        properties.setdefault("initLimit", "10")
        properties.setdefault("syncLimit", "5")
    return {**properties, **{f"server.{number}": item for number, item in enumerate(servers, 1)}}


def _official_zookeeper(known: t.Mapping[str, str], family: _images.Family) -> dict[str, str]:
    bitnami = family is _images.BITNAMI_ZOOKEEPER
    properties = {"dataDir": "/bitnami/zookeeper/data" if bitnami else "/data", "clientPort": "2181", "tickTime": "2000"}
    properties.update({"initLimit": "10", "syncLimit": "5"} if bitnami else {"dataLogDir": "/datalog", "initLimit": "5", "syncLimit": "2"})
    if bitnami:
        properties["4lw.commands.whitelist"] = "srvr, mntr"
    properties.update({key: {"yes": "true", "no": "false"}.get(known[name], known[name]) for name, key in _ZOO.items() if name in known})
    properties.update(dict(pair.split("=", 1) for pair in known.get("ZOO_CFG_EXTRA", "").split() if "=" in pair))
    for number, item in enumerate(re.split(r"[,\s]+", known.get("ZOO_SERVERS", "").strip()), 1):
        key, equals, rest = item.partition("=")
        if equals:
            properties[key] = rest
        elif item:
            address, colons, own = item.partition("::")
            properties[f"server.{own if colons else number}"] = address
    return properties


def _put(properties: dict[str, str], unread: dict[str, str], key: str, value: str | None, reason: str) -> None:
    properties.pop(key, None)
    unread.pop(key, None)
    if value is None:
        unread[key] = reason
    else:
        properties[key] = value


def _from_file(container: Object, pod: Pod, files: Files, names: t.Sequence[str]) -> tuple[dict[str, str], dict[str, str]]:
    """A file from a ConfigMap: the one that the command names, else the first one with a usual name."""
    found = config_files(container, pod, files, names)
    named = [name for name in found if name in _pods.script(container)]
    if not found:
        return {}, {}
    text_of_file = found[named[0] if named else next(iter(found))]
    properties = {entry.key: entry.value for entry in _properties.read(text_of_file)}
    # A shell or an init container may still replace what looks like a placeholder.
    worked_on = _pods.is_shell(container) or bool(items(pod.spec.get("initContainers")))
    unread = {key: "something in the pod replaces it first" for key, value in properties.items() if worked_on and _PLACEHOLDER.search(value)}
    return {key: value for key, value in properties.items() if key not in unread}, unread


def config_files(container: Object, pod: Pod, files: Files, names: t.Sequence[str]) -> dict[str, str]:
    """The files with usual names in the ConfigMaps that a container mounts."""
    mounted = {text(mount.get("name")) for mount in items(container.get("volumeMounts"))}
    found: dict[str, str] = {}
    for volume in items(pod.spec.get("volumes")):
        if text(volume.get("name")) in mounted:
            sources = [volume, *items(mapping(volume.get("projected")).get("sources"))]
            for source in sources:
                data = files.get((pod.namespace, _map_name(source)), {})
                found.update({name: data[name] for name in names if name in data})
    return found


def _map_name(source: Object) -> str:
    config_map = mapping(source.get("configMap"))
    return text(config_map.get("name"))
