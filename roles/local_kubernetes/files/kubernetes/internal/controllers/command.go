// SPDX-License-Identifier: GPL-3.0-or-later
// Copyright (c) kafkaops.kubernetes contributors

// Package controllers gives a cluster that is only processes what a cloud
// would give it: volumes, volumes that grow, and load balancers. Where
// upstream has a controller, that one runs and only the "cloud" is ours.
package controllers

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"github.com/spf13/cobra"
	genericapiserver "k8s.io/apiserver/pkg/server"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	servicecontroller "k8s.io/cloud-provider/controllers/service"
	controllersmetrics "k8s.io/component-base/metrics/prometheus/controllers"
	"k8s.io/klog/v2"
	"sigs.k8s.io/sig-storage-lib-external-provisioner/v13/controller"
)

// Provisioner is the name a StorageClass gives to have its volumes made here.
const Provisioner = "local.kafkaops/directory"

const resync = 10 * time.Minute

type options struct {
	kubeconfig string
	volumes    string
	pool       string
}

// NewCommand returns the component "local-controllers".
func NewCommand() *cobra.Command {
	o := options{}
	command := &cobra.Command{
		Use:          "local-controllers",
		Short:        "Volumes, volume growth and load balancers for a cluster on one machine",
		SilenceUsage: true,
		Args:         cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			return o.run(genericapiserver.SetupSignalContext())
		},
	}
	flags := command.Flags()
	flags.StringVar(&o.kubeconfig, "kubeconfig", "", "how to reach the API server")
	flags.StringVar(&o.volumes, "volumes", "", "directory that volumes are made in")
	flags.StringVar(&o.pool, "load-balancer-pool", "", "prefix that load balancers take their addresses from")
	for _, flag := range []string{"kubeconfig", "volumes", "load-balancer-pool"} {
		_ = command.MarkFlagRequired(flag)
	}
	return command
}

func (o options) run(ctx context.Context) error {
	config, err := clientcmd.BuildConfigFromFlags("", o.kubeconfig)
	if err != nil {
		return err
	}
	config.QPS, config.Burst = 50, 100
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	pool, err := netip.ParsePrefix(o.pool)
	if err != nil {
		return fmt.Errorf("--load-balancer-pool: %w", err)
	}

	shared := informers.NewSharedInformerFactory(client, resync)
	services := shared.Core().V1().Services()
	nodes := shared.Core().V1().Nodes()

	balancers := newBalancers(pool, services.Lister())
	serviceController, err := servicecontroller.New(
		balancers, client, services, nodes, "local", utilfeature.DefaultFeatureGate)
	if err != nil {
		return err
	}
	routes := newRouter(pool, services, nodes, shared.Discovery().V1().EndpointSlices())
	growth := newGrowth(client, shared.Core().V1().PersistentVolumeClaims(), shared.Core().V1().PersistentVolumes())
	provisioning := controller.NewProvisionController(
		klog.NewContext(ctx, klog.Background()), client, Provisioner, directories{root: o.volumes},
		controller.LeaderElection(false), controller.MetricsPort(0))

	shared.Start(ctx.Done())
	for kind, synced := range shared.WaitForCacheSync(ctx.Done()) {
		if !synced {
			return fmt.Errorf("no complete list of %v", kind)
		}
	}
	go serviceController.Run(ctx, 1, controllersmetrics.NewControllerManagerMetrics("local-controllers"))
	go routes.run(ctx)
	go growth.run(ctx)
	provisioning.Run(ctx)
	return nil
}
