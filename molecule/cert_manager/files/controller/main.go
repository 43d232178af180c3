// SPDX-License-Identifier: GPL-3.0-or-later
// Copyright (c) kafkaops.kubernetes contributors

// Command controller runs the controllers of cert-manager that a self-signed issuer and an issuer with a key of its own need,
// outside of Kubernetes, until it is told to stop.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"github.com/cert-manager/cert-manager/pkg/controller"
	// Each of these registers itself with the package above.
	_ "github.com/cert-manager/cert-manager/pkg/controller/certificaterequests/approver"
	_ "github.com/cert-manager/cert-manager/pkg/controller/certificaterequests/ca"
	_ "github.com/cert-manager/cert-manager/pkg/controller/certificaterequests/selfsigned"
	_ "github.com/cert-manager/cert-manager/pkg/controller/certificates/issuing"
	_ "github.com/cert-manager/cert-manager/pkg/controller/certificates/keymanager"
	_ "github.com/cert-manager/cert-manager/pkg/controller/certificates/readiness"
	_ "github.com/cert-manager/cert-manager/pkg/controller/certificates/requestmanager"
	_ "github.com/cert-manager/cert-manager/pkg/controller/certificates/revisionmanager"
	_ "github.com/cert-manager/cert-manager/pkg/controller/certificates/trigger"
	_ "github.com/cert-manager/cert-manager/pkg/controller/issuers"
	_ "github.com/cert-manager/cert-manager/pkg/issuer/ca"
	_ "github.com/cert-manager/cert-manager/pkg/issuer/selfsigned"
)

// workers is how many objects each controller works on at a time.
const workers = 2

func main() {
	kubeconfig := flag.String("kubeconfig", "", "the way to the API server")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *kubeconfig); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run starts every controller that has registered itself, and returns when all have ended.
func run(ctx context.Context, kubeconfig string) error {
	factory, err := controller.NewContextFactory(ctx, controller.ContextOptions{
		Kubeconfig:         kubeconfig,
		KubernetesAPIQPS:   20,
		KubernetesAPIBurst: 50,
	})
	if err != nil {
		return err
	}
	shared, err := factory.Build()
	if err != nil {
		return err
	}
	known := map[string]controller.Interface{}
	for name, build := range controller.Known() {
		if known[name], err = build(factory); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	// The controllers have said by now what they want to watch.
	shared.SharedInformerFactory.Start(ctx.Done())
	shared.KubeSharedInformerFactory.Start(ctx.Done())

	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	errors := make(chan error, len(known))
	var running sync.WaitGroup
	for name, each := range known {
		running.Go(func() {
			if err := each.Run(workers, ctx); err != nil {
				errors <- fmt.Errorf("%s: %w", name, err)
				cancel()
			}
		})
	}
	running.Wait()
	close(errors)
	return <-errors
}
