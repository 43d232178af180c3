# SPDX-License-Identifier: GPL-3.0-or-later
"""The fixtures and helpers of molecule/topology, and a team that has the rights that the documentation names."""

from __future__ import annotations

import pathlib
import re
import sys
import typing as t

import pytest
import yaml

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "topology/tests"))

from cluster import PROJECT, STATE, Kubectl, kubectl, outside, plan

__all__ = ["kubectl", "outside", "plan", "team"]


@pytest.fixture(scope="session")
def team(kubectl: Kubectl, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, ...]:
    """Variables of plays run by an account with the rights of roles/services, and those of docs/security.md beside."""
    role: dict[str, t.Any] = yaml.safe_load((PROJECT / "roles/services/files/rights.yml").read_text(encoding="utf-8"))
    guide = (PROJECT / "docs/security.md").read_text(encoding="utf-8").partition("### cert-manager")[2].partition("\n## ")[0]
    (rules,) = re.findall(r"```\n(- apiGroups.*?)```", guide, re.DOTALL)
    role["rules"] += yaml.safe_load(rules)
    directory = tmp_path_factory.mktemp("team")
    (directory / "role.yml").write_text(yaml.safe_dump(role), encoding="utf-8")
    kubectl("apply", "-f", str(directory / "role.yml"))
    kubectl("create", "serviceaccount", "team")
    kubectl("create", "rolebinding", "team", f"--role={role['metadata']['name']}", f"--serviceaccount={kubectl.namespace}:team")
    config: dict[str, t.Any] = yaml.safe_load((STATE / "admin.kubeconfig").read_text(encoding="utf-8"))
    user = config["contexts"][0]["context"]["user"]
    config["users"] = [{"name": user, "user": {"token": kubectl("create", "token", "team", "--duration=2h").strip()}}]
    path = directory / "kubeconfig"
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    return f"kafka_kubeconfig={path}", "services_create_namespace=false"
