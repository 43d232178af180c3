# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""What the modules that talk to Kafka have in common: connect, act, tell. Private to the collection."""

from __future__ import annotations

import time
import typing as t

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _kafka_args, _kafka_client, _kafka_forward, _kafka_road, _kafka_routes, _kafka_tunnel
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._kafka_changes import Change, Plan, Refusal, Refused, Report, converge
from ansible_collections.kubernetes.core.plugins.module_utils.args_common import AUTH_ARG_SPEC

SHOWN_ERRORS = 10


class Caller(t.Protocol):
    """Who acts: a module in a process of its own, or an action inside of Ansible."""

    params: dict[str, t.Any]
    check_mode: bool
    _diff: bool

    def warn(self, warning: str) -> None:
        """Show a warning."""


Act = t.Callable[[Caller, _kafka_road.Road], dict[str, t.Any]]
"""What a module does once it is connected; returns its result, with ``_errors`` by item where something is not as wanted."""


def module(options: dict[str, t.Any], **more: t.Any) -> AnsibleModule:
    """The module with the connection options besides its own. Fails where kafka-python is missing."""
    found = AnsibleModule(
        argument_spec={**_kafka_args.SPEC, **options},
        required_together=_kafka_args.TOGETHER,
        required_if=_kafka_args.REQUIRED_IF,
        supports_check_mode=True,
        **more,
    )
    if _kafka_client.KAFKA_IMPORT_ERROR:
        found.fail_json(msg=missing_required_lib("kafka-python >= 3.0"), exception=_kafka_client.KAFKA_IMPORT_ERROR)
    return found


def settings(params: t.Mapping[str, t.Any]) -> _kafka_road.Settings:
    """Where the cluster is, and how to speak to it."""
    return _kafka_road.Settings(
        cluster=params["cluster"],
        bootstrap_servers=tuple(params["bootstrap_servers"]),
        security=_kafka_road.Security(
            protocol=params["security_protocol"],
            ca=params["ssl_ca"] or "",
            certificate=params["ssl_certificate"] or "",
            key=params["ssl_key"] or "",
            check_hostname=params["ssl_check_hostname"],
            mechanism=params["sasl_mechanism"],
            username=params["sasl_username"] or "",
            password=params["sasl_password"] or "",
        ),
        timeout=params["timeout"],
        cluster_id=params["cluster_id"] or "",
    )


def tunnel(params: t.Mapping[str, t.Any]) -> _kafka_tunnel.Tunnel | None:
    """The tunnel into the namespace, or nothing where the brokers are reached directly."""
    if not params["namespace"]:
        return None
    try:
        from ansible_collections.kubernetes.core.plugins.module_utils.k8s.client import get_api_client
        from ansible_collections.kubernetes.core.plugins.module_utils.k8s.exceptions import CoreException
        from kubernetes.client import ApiException
        from urllib3.exceptions import HTTPError
    except ImportError as error:
        raise _kafka_road.RoadError(f"with namespace the Python package kubernetes is needed: {error}") from None

    limit = max(5.0, min(30.0, params["timeout"] / 2))
    addresses = tuple(_kafka_routes.Address(each["host"], each["port"], each["node"], each["listener_port"]) for each in params["addresses"])
    try:
        server = _kafka_forward.ApiServer(get_api_client(**{key: params[key] for key in AUTH_ARG_SPEC if params[key] is not None}), params["namespace"], limit)
    except (CoreException, ApiException, HTTPError) as error:
        raise _kafka_road.RoadError(f"cluster {params['cluster']}: reach the Kubernetes API server: {error}") from None
    pods = _Pods(lambda: server.broker_pods(params["cluster"]))
    return _kafka_tunnel.Tunnel(
        lambda host, port: _kafka_routes.Routes(params["cluster"], params["namespace"], pods.now(), addresses).targets(host, port), server.open, limit
    )


class _Pods:
    """The brokers' pods, read again when they are older than ``FRESH`` seconds: a pod may be replaced while a module runs."""

    FRESH = 5.0

    def __init__(self, read: t.Callable[[], tuple[_kafka_routes.BrokerPod, ...]]) -> None:
        self._read = read
        self._pods: tuple[_kafka_routes.BrokerPod, ...] = ()
        self._at = float("-inf")

    def now(self) -> tuple[_kafka_routes.BrokerPod, ...]:
        if time.monotonic() - self._at > self.FRESH:
            self._pods, self._at = self._read(), time.monotonic()
        return self._pods


def road(params: t.Mapping[str, t.Any]) -> _kafka_road.Road:
    """The way to the cluster, not yet taken."""
    return _kafka_road.Road(settings(params), tunnel(params))


def outcome(this: Caller, act: Act) -> dict[str, t.Any]:
    """Connect, let ``act`` do its work, and tell: its result, with ``failed`` and ``msg`` where not all is as wanted."""
    try:
        with road(this.params) as connected:
            result = {"cluster_id": connected.cluster_id, **act(this, connected)}
    except (_kafka_road.RoadError, Refusal) as error:
        return {"failed": True, "msg": str(error)}
    errors = result.pop("_errors", {})
    if errors:
        shown = "; ".join(f"{item}: {why}" for item, why in list(errors.items())[:SHOWN_ERRORS])
        more = f"; and {len(errors) - SHOWN_ERRORS} more, see results" if len(errors) > SHOWN_ERRORS else ""
        done = "nothing was changed" if this.check_mode else "all else is as wanted"
        result.update(failed=True, msg=f"cluster {this.params['cluster']}: {len(errors)} not as wanted ({done}): {shown}{more}")
    return result


def by_itself(this: Caller, act: t.Callable[[dict[str, t.Any], bool], dict[str, t.Any]]) -> dict[str, t.Any]:
    """The same for an ``act`` that takes the options and whether it is check mode, and connects itself, as often as it must."""
    try:
        result = act(this.params, this.check_mode)
    except (_kafka_road.RoadError, Refusal) as error:
        name = f"cluster {this.params['cluster']}: "
        return {"failed": True, "msg": f"{'' if str(error).startswith(name) else name}{error}"}
    diff = result.pop("diff", None)
    return {**result, "diff": diff} if diff and this._diff else result


def main(options: dict[str, t.Any], act: Act) -> None:
    """A module's own process, from its arguments to its result."""
    finish(module(options), lambda this: outcome(this, act))


def finish(this: AnsibleModule, come: t.Callable[[Caller], dict[str, t.Any]]) -> None:
    """Exit with what comes of it."""
    result = come(this)
    if result.pop("failed", False):
        this.fail_json(**result)
    this.exit_json(**result)


def together(parts: t.Sequence[dict[str, t.Any]]) -> dict[str, t.Any]:
    """The results of several :func:`apply` as one."""
    found: dict[str, t.Any] = {"changed": any(part["changed"] for part in parts), "results": [], "_errors": {}}
    for part in parts:
        found["results"] += part["results"]
        found["_errors"].update(part["_errors"])
        for side, items in part.get("diff", {}).items():
            found.setdefault("diff", {"before": {}, "after": {}})[side].update(items)
    return found


def apply(
    this: Caller,
    road: _kafka_road.Road,
    observe: t.Callable[[], t.Any],
    plan: t.Callable[[t.Any], Plan],
    write: t.Callable[[t.Sequence[Change], bool], Refused],
) -> tuple[Report, dict[str, t.Any]]:
    """Lead the state to the plan, on the expected cluster alone; the report, and what of it every module returns."""
    road.require_cluster()
    report = converge(observe, plan, write, check=this.check_mode, interrupted=_kafka_road.Interrupted)
    result: dict[str, t.Any] = {"changed": bool(report.changes), "results": report.results(), "_errors": report.errors}
    for warning in report.warnings:
        this.warn(warning)
    if this._diff:
        result["diff"] = {"before": report.before, "after": report.after}
    return report, result
