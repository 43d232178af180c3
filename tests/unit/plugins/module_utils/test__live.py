# SPDX-License-Identifier: GPL-3.0-or-later
"""What is read of a cluster, and what where rights are missing."""

from __future__ import annotations

import typing as t

from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _live


class Api:
    """An API server that has these answers; a path that is None is forbidden, one that is missing is empty."""

    def __init__(self, answers: dict[str, t.Any]) -> None:
        self.answers = answers
        self.asked: dict[str, str] = {}

    def get(self, path: str, label_selector: str = "") -> dict[str, t.Any] | None:
        self.asked[path] = label_selector
        if self.answers.get(path, {}) is None:
            raise _live.NotReadable(path)
        return self.answers.get(path, {"items": []})


NAMESPACE = {"/api/v1/namespaces/team": {"metadata": {"name": "team"}}}


def test_of_a_namespace_that_does_not_exist_only_what_is_elsewhere_is_read() -> None:
    class Missing(Api):
        def get(self, path: str, label_selector: str = "") -> dict[str, t.Any] | None:
            found = super().get(path, label_selector)
            return None if path == "/api/v1/namespaces/team" else found

    api = Missing({"/api/v1/services": {"items": [{"metadata": {"name": "in-the-way"}}]}})
    found = _live.read(api, "team", "events")
    assert not found.namespace_exists
    assert [service["metadata"]["name"] for service in found.objects["Service of all namespaces"]] == ["in-the-way"]
    assert not [path for path in api.asked if path.startswith("/api/v1/namespaces/team/")]
    assert found.all() == []


def test_only_the_own_configuration_and_secrets_are_read_and_everything_that_may_be_in_the_way() -> None:
    api = Api(NAMESPACE)
    assert _live.read(api, "team", "events").namespace_exists
    assert api.asked["/api/v1/namespaces/team/secrets"] == "app.kubernetes.io/instance=events"
    assert api.asked["/api/v1/namespaces/team/configmaps"] == "app.kubernetes.io/instance=events"
    assert api.asked["/api/v1/namespaces/team/services"] == ""
    assert api.asked["/apis/apps/v1/namespaces/team/statefulsets"] == ""


def test_what_rights_do_not_allow_is_named() -> None:
    found = _live.read(Api({**NAMESPACE, "/api/v1/services": None, "/apis/storage.k8s.io/v1/storageclasses": None}), "team", "events")
    assert found.unreadable == ("StorageClass", "Service of all namespaces")
    assert "StorageClass" not in found.objects
    assert found.objects["Service"] == []


def test_a_namespace_that_may_not_be_read_is_looked_into() -> None:
    found = _live.read(Api({"/api/v1/namespaces/team": None}), "team", "events")
    assert found.namespace_exists
    assert found.unreadable == ("Namespace",)


def test_objects_have_their_kind_and_secrets_are_decoded() -> None:
    secrets = {"items": [{"metadata": {"name": "s"}, "data": {"id": "YWJj"}}]}
    found = _live.read(Api({**NAMESPACE, "/api/v1/namespaces/team/secrets": secrets}), "team", "events")
    assert [obj["kind"] for obj in found.all()] == ["Namespace", "Secret"]
    assert found.secret("s") == {"id": "abc"}
    assert found.secret("other") == {}


CERTIFICATES = "/apis/cert-manager.io/v1/namespaces/team/certificates"


def test_where_nobody_has_installed_cert_manager_nothing_more_is_asked_of_it() -> None:
    class Without(Api):
        def get(self, path: str, label_selector: str = "") -> dict[str, t.Any] | None:
            found = super().get(path, label_selector)
            return None if path.startswith("/apis/cert-manager.io/") else found

    api = Without(NAMESPACE)
    found = _live.read(api, "team", "events")
    assert "Certificate" not in found.objects
    assert found.unreadable == ()
    assert [path for path in api.asked if "cert-manager" in path] == [CERTIFICATES]


def test_issuers_are_read_and_are_none_of_the_clusters_objects() -> None:
    issuers = {"items": [{"metadata": {"name": "ca"}}]}
    api = Api({**NAMESPACE, CERTIFICATES: {"items": [{"metadata": {"name": "c"}}]}, "/apis/cert-manager.io/v1/namespaces/team/issuers": issuers})
    found = _live.read(api, "team", "events")
    assert api.asked[CERTIFICATES] == "app.kubernetes.io/instance=events"
    assert [(obj["apiVersion"], obj["kind"], obj["metadata"]["name"]) for obj in found.objects["Issuer"]] == [("cert-manager.io/v1", "Issuer", "ca")]
    assert [obj["kind"] for obj in found.all()] == ["Namespace", "Certificate"]


def test_who_may_read_certificates_only_is_told_no_issuers() -> None:
    found = _live.read(Api({**NAMESPACE, "/apis/cert-manager.io/v1/clusterissuers": None}), "team", "events")
    assert found.unreadable == ("ClusterIssuer",)
    assert found.objects["Issuer"] == []
