// SPDX-License-Identifier: GPL-3.0-or-later
// Copyright (c) kafkaops.kubernetes contributors

package controllers

import (
	"context"
	"fmt"
	"net/netip"
	"sync"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	corelisters "k8s.io/client-go/listers/core/v1"
	cloudprovider "k8s.io/cloud-provider"
)

// balancers is a cloud that has load balancers and nothing else. A balancer is
// only an address: router leads it to the nodes, kube-proxy does the rest.
type balancers struct {
	pool     netip.Prefix
	services corelisters.ServiceLister

	mutex sync.Mutex
	taken map[types.UID]netip.Addr
}

var (
	_ cloudprovider.Interface    = (*balancers)(nil)
	_ cloudprovider.LoadBalancer = (*balancers)(nil)
)

func newBalancers(pool netip.Prefix, services corelisters.ServiceLister) *balancers {
	return &balancers{pool: pool.Masked(), services: services, taken: map[types.UID]netip.Addr{}}
}

func (b *balancers) Initialize(cloudprovider.ControllerClientBuilder, <-chan struct{}) {}
func (b *balancers) LoadBalancer() (cloudprovider.LoadBalancer, bool)                  { return b, true }
func (b *balancers) Instances() (cloudprovider.Instances, bool)                        { return nil, false }
func (b *balancers) InstancesV2() (cloudprovider.InstancesV2, bool)                    { return nil, false }
func (b *balancers) Zones() (cloudprovider.Zones, bool)                                { return nil, false }
func (b *balancers) Clusters() (cloudprovider.Clusters, bool)                          { return nil, false }
func (b *balancers) Routes() (cloudprovider.Routes, bool)                              { return nil, false }
func (b *balancers) ProviderName() string                                              { return "local" }
func (b *balancers) HasClusterID() bool                                                { return true }

func (b *balancers) GetLoadBalancer(
	_ context.Context, _ string, service *v1.Service,
) (*v1.LoadBalancerStatus, bool, error) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	address, exists := b.address(service)
	if !exists {
		return nil, false, nil
	}
	return status(address), true, nil
}

func (b *balancers) GetLoadBalancerName(_ context.Context, _ string, service *v1.Service) string {
	return cloudprovider.DefaultLoadBalancerName(service)
}

func (b *balancers) EnsureLoadBalancer(
	_ context.Context, _ string, service *v1.Service, _ []*v1.Node,
) (*v1.LoadBalancerStatus, error) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	address, exists := b.address(service)
	if !exists {
		var err error
		if address, err = b.free(service); err != nil {
			return nil, err
		}
	}
	b.taken[service.UID] = address
	return status(address), nil
}

func (b *balancers) UpdateLoadBalancer(context.Context, string, *v1.Service, []*v1.Node) error {
	return nil
}

func (b *balancers) EnsureLoadBalancerDeleted(_ context.Context, _ string, service *v1.Service) error {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	delete(b.taken, service.UID)
	return nil
}

// address is what a service has already; its own status outlives a restart of this process.
func (b *balancers) address(service *v1.Service) (netip.Addr, bool) {
	if address, exists := b.taken[service.UID]; exists {
		return address, true
	}
	return balancerAddress(service, b.pool)
}

// free is the address a service asks for, or the first that nobody has.
func (b *balancers) free(service *v1.Service) (netip.Addr, error) {
	services, err := b.services.List(labels.Everything())
	if err != nil {
		return netip.Addr{}, err
	}
	used := map[netip.Addr]bool{b.pool.Addr(): true}
	for _, other := range services {
		if address, exists := balancerAddress(other, b.pool); exists && other.UID != service.UID {
			used[address] = true
		}
	}
	for _, address := range b.taken {
		used[address] = true
	}
	if asked := service.Spec.LoadBalancerIP; asked != "" {
		address, err := netip.ParseAddr(asked)
		switch {
		case err != nil:
			return netip.Addr{}, err
		case !b.pool.Contains(address):
			return netip.Addr{}, fmt.Errorf("address %s is not in the pool %s", address, b.pool)
		case used[address]:
			return netip.Addr{}, fmt.Errorf("address %s belongs to another service", address)
		}
		return address, nil
	}
	for address := b.pool.Addr(); b.pool.Contains(address); address = address.Next() {
		if !used[address] {
			return address, nil
		}
	}
	return netip.Addr{}, fmt.Errorf("no address is left in the pool %s", b.pool)
}

func status(address netip.Addr) *v1.LoadBalancerStatus {
	return &v1.LoadBalancerStatus{Ingress: []v1.LoadBalancerIngress{{IP: address.String()}}}
}

// balancerAddress is the pool's address in a service's status.
func balancerAddress(service *v1.Service, pool netip.Prefix) (netip.Addr, bool) {
	if service.Spec.Type != v1.ServiceTypeLoadBalancer {
		return netip.Addr{}, false
	}
	for _, ingress := range service.Status.LoadBalancer.Ingress {
		if address, err := netip.ParseAddr(ingress.IP); err == nil && pool.Contains(address) {
			return address, true
		}
	}
	return netip.Addr{}, false
}
