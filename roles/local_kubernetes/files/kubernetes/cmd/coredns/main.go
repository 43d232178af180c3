// SPDX-License-Identifier: GPL-3.0-or-later
// Copyright (c) kafkaops.kubernetes contributors

// Command coredns is CoreDNS with the few plugins the local cluster uses.
package main

import (
	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/coremain"
	_ "github.com/coredns/coredns/plugin/bind"
	_ "github.com/coredns/coredns/plugin/cache"
	_ "github.com/coredns/coredns/plugin/errors"
	_ "github.com/coredns/coredns/plugin/kubernetes"
	_ "github.com/coredns/coredns/plugin/ready"
)

func init() {
	// The order in which plugins see a query.
	dnsserver.Directives = []string{"bind", "errors", "ready", "kubernetes", "cache"}
}

func main() { coremain.Run() }
