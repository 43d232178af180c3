// SPDX-License-Identifier: GPL-3.0-or-later
// Copyright (c) kafkaops.kubernetes contributors

package controllers

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"syscall"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
	v1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/runtime"
	coreinformers "k8s.io/client-go/informers/core/v1"
	discoveryinformers "k8s.io/client-go/informers/discovery/v1"
	corelisters "k8s.io/client-go/listers/core/v1"
	discoverylisters "k8s.io/client-go/listers/discovery/v1"
	"k8s.io/client-go/tools/cache"
)

// protocol marks the routes made here, so that others are left alone.
const protocol netlink.RouteProtocol = 198

var updateOptions = metav1.UpdateOptions{}

// router leads the address of every load balancer to the nodes that may answer
// for it: all that are ready or, under externalTrafficPolicy Local, those with
// an endpoint. It is what a BGP speaker on each node does in a real network.
type router struct {
	pool      netip.Prefix
	services  corelisters.ServiceLister
	nodes     corelisters.NodeLister
	endpoints discoverylisters.EndpointSliceLister
	changed   chan struct{}
}

func newRouter(
	pool netip.Prefix,
	services coreinformers.ServiceInformer,
	nodes coreinformers.NodeInformer,
	endpoints discoveryinformers.EndpointSliceInformer,
) *router {
	r := &router{
		pool:      pool.Masked(),
		services:  services.Lister(),
		nodes:     nodes.Lister(),
		endpoints: endpoints.Lister(),
		changed:   make(chan struct{}, 1),
	}
	for _, informer := range []cache.SharedIndexInformer{
		services.Informer(), nodes.Informer(), endpoints.Informer(),
	} {
		_, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
			AddFunc:    func(any) { r.touch() },
			UpdateFunc: func(any, any) { r.touch() },
			DeleteFunc: func(any) { r.touch() },
		})
		runtime.Must(err)
	}
	return r
}

func (r *router) touch() {
	select {
	case r.changed <- struct{}{}:
	default: // the next round sees this change too
	}
}

func (r *router) run(ctx context.Context) {
	for {
		retry := time.Hour
		if err := r.apply(); err != nil {
			runtime.HandleErrorWithContext(ctx, err, "routes to load balancers")
			retry = time.Second
		}
		select {
		case <-ctx.Done():
			return
		case <-r.changed:
		case <-time.After(retry):
		}
	}
}

// apply makes the kernel's routes the wanted ones.
func (r *router) apply() error {
	wanted, err := r.wanted()
	if err != nil {
		return err
	}
	present, err := netlink.RouteListFiltered(
		unix.AF_INET, &netlink.Route{Protocol: protocol}, netlink.RT_FILTER_PROTOCOL)
	if err != nil {
		return err
	}
	var failed []error
	for _, route := range present {
		address, _ := netip.AddrFromSlice(route.Dst.IP.To4())
		if _, keep := wanted[address]; !keep {
			if err := netlink.RouteDel(&route); err != nil && !errors.Is(err, syscall.ESRCH) {
				failed = append(failed, err)
			}
		}
	}
	for address, hops := range wanted {
		route := &netlink.Route{
			Dst:      &net.IPNet{IP: address.AsSlice(), Mask: net.CIDRMask(32, 32)},
			Protocol: protocol,
		}
		if len(hops) == 0 {
			// Nobody answers: say so at once instead of letting clients wait.
			route.Type = unix.RTN_UNREACHABLE
		}
		for _, hop := range hops {
			route.MultiPath = append(route.MultiPath, &netlink.NexthopInfo{Gw: hop.AsSlice()})
		}
		if err := netlink.RouteReplace(route); err != nil {
			failed = append(failed, err)
		}
	}
	return errors.Join(failed...)
}

// wanted maps each load balancer's address to the nodes it leads to.
func (r *router) wanted() (map[netip.Addr][]netip.Addr, error) {
	nodes, err := r.nodes.List(labels.Everything())
	if err != nil {
		return nil, err
	}
	services, err := r.services.List(labels.Everything())
	if err != nil {
		return nil, err
	}
	wanted := map[netip.Addr][]netip.Addr{}
	for _, service := range services {
		address, exists := balancerAddress(service, r.pool)
		if !exists {
			continue
		}
		slicesOf, err := r.endpoints.EndpointSlices(service.Namespace).List(
			labels.Set{discoveryv1.LabelServiceName: service.Name}.AsSelector())
		if err != nil {
			return nil, err
		}
		wanted[address] = hops(service, nodes, slicesOf)
	}
	return wanted, nil
}

// hops are the addresses of the nodes that may answer for a service.
func hops(service *v1.Service, nodes []*v1.Node, endpoints []*discoveryv1.EndpointSlice) []netip.Addr {
	local := map[string]bool{}
	for _, slice := range endpoints {
		for _, endpoint := range slice.Endpoints {
			ready := endpoint.Conditions.Ready == nil || *endpoint.Conditions.Ready
			if endpoint.NodeName != nil && ready {
				local[*endpoint.NodeName] = true
			}
		}
	}
	onlyLocal := service.Spec.ExternalTrafficPolicy == v1.ServiceExternalTrafficPolicyLocal
	var result []netip.Addr
	for _, node := range nodes {
		if !isReady(node) || onlyLocal && !local[node.Name] {
			continue
		}
		for _, address := range node.Status.Addresses {
			if parsed, err := netip.ParseAddr(address.Address); err == nil && address.Type == v1.NodeInternalIP {
				result = append(result, parsed)
				break
			}
		}
	}
	slices.SortFunc(result, netip.Addr.Compare)
	return result
}

func isReady(node *v1.Node) bool {
	for _, condition := range node.Status.Conditions {
		if condition.Type == v1.NodeReady {
			return condition.Status == v1.ConditionTrue
		}
	}
	return false
}

// ignoreGone turns "it is not there any more" into no error.
func ignoreGone(err error) error {
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}
