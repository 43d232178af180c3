// SPDX-License-Identifier: GPL-3.0-or-later
// Copyright (c) kafkaops.kubernetes contributors

// Command pause is what holds a pod's namespaces open: it does nothing until
// it is told to stop, and buries the orphans it inherits as process 1.
package main

import (
	"os"
	"os/signal"
	"syscall"
)

func main() {
	signals := make(chan os.Signal, 16)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGCHLD)
	for received := range signals {
		if received != syscall.SIGCHLD {
			return
		}
		for {
			pid, err := syscall.Wait4(-1, nil, syscall.WNOHANG, nil)
			if pid <= 0 || err != nil {
				break
			}
		}
	}
}
