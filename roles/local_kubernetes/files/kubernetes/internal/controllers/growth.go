// SPDX-License-Identifier: GPL-3.0-or-later
// Copyright (c) kafkaops.kubernetes contributors

package controllers

import (
	"context"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	coreinformers "k8s.io/client-go/informers/core/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	typedcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/record"
	"k8s.io/client-go/util/workqueue"
)

// provisionedBy is the annotation that names a volume's provisioner.
const provisionedBy = "pv.kubernetes.io/provisioned-by"

// growth grants bound claims the larger size they ask for. A directory has
// no size, so there is nothing to do but to say so: first in the volume,
// then in the claim's status, the order the CSI external-resizer keeps.
//
// (Its releases that are built for this Kubernetes are not to be had from the
// module proxy; those that are want Kubernetes 1.36.)
type growth struct {
	client  kubernetes.Interface
	claims  corelisters.PersistentVolumeClaimLister
	volumes corelisters.PersistentVolumeLister
	queue   workqueue.TypedRateLimitingInterface[cache.ObjectName]
	events  record.EventRecorder
}

func newGrowth(
	client kubernetes.Interface,
	claims coreinformers.PersistentVolumeClaimInformer,
	volumes coreinformers.PersistentVolumeInformer,
) *growth {
	broadcaster := record.NewBroadcaster()
	broadcaster.StartRecordingToSink(&typedcorev1.EventSinkImpl{Interface: client.CoreV1().Events("")})
	g := &growth{
		client:  client,
		claims:  claims.Lister(),
		volumes: volumes.Lister(),
		queue: workqueue.NewTypedRateLimitingQueue(
			workqueue.DefaultTypedControllerRateLimiter[cache.ObjectName]()),
		events: broadcaster.NewRecorder(scheme.Scheme, v1.EventSource{Component: "local-controllers"}),
	}
	enqueue := func(object any) {
		if claim, ok := object.(*v1.PersistentVolumeClaim); ok {
			g.queue.Add(cache.MetaObjectToName(claim))
		}
	}
	_, err := claims.Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    enqueue,
		UpdateFunc: func(_, object any) { enqueue(object) },
	})
	runtime.Must(err)
	return g
}

func (g *growth) run(ctx context.Context) {
	defer g.queue.ShutDown()
	go wait.UntilWithContext(ctx, func(ctx context.Context) {
		for g.next(ctx) {
		}
	}, 0)
	<-ctx.Done()
}

func (g *growth) next(ctx context.Context) bool {
	name, stopped := g.queue.Get()
	if stopped {
		return false
	}
	defer g.queue.Done(name)
	if err := g.grow(ctx, name); err != nil {
		runtime.HandleErrorWithContext(ctx, err, "claim cannot grow", "claim", name)
		g.queue.AddRateLimited(name)
		return true
	}
	g.queue.Forget(name)
	return true
}

// grow brings one claim to the size it asks for, if that is more than it has.
func (g *growth) grow(ctx context.Context, name cache.ObjectName) error {
	claim, err := g.claims.PersistentVolumeClaims(name.Namespace).Get(name.Name)
	if err != nil || claim.Status.Phase != v1.ClaimBound {
		return ignoreGone(err)
	}
	asked := claim.Spec.Resources.Requests[v1.ResourceStorage]
	if given := claim.Status.Capacity[v1.ResourceStorage]; asked.Cmp(given) <= 0 {
		return nil
	}
	volume, err := g.volumes.Get(claim.Spec.VolumeName)
	if err != nil || volume.Annotations[provisionedBy] != Provisioner {
		return ignoreGone(err)
	}

	if capacity := volume.Spec.Capacity[v1.ResourceStorage]; asked.Cmp(capacity) > 0 {
		volume = volume.DeepCopy()
		volume.Spec.Capacity[v1.ResourceStorage] = asked
		if _, err := g.client.CoreV1().PersistentVolumes().Update(ctx, volume, updateOptions); err != nil {
			return err
		}
	}
	claim = claim.DeepCopy()
	claim.Status.Capacity[v1.ResourceStorage] = asked
	claim.Status.Conditions = nil
	if _, err := g.client.CoreV1().PersistentVolumeClaims(name.Namespace).UpdateStatus(
		ctx, claim, updateOptions); err != nil {
		return err
	}
	g.events.Eventf(claim, v1.EventTypeNormal, "VolumeResizeSuccessful", "Resized volume to %s", asked.String())
	return nil
}
