// SPDX-License-Identifier: GPL-3.0-or-later
// Copyright (c) kafkaops.kubernetes contributors

package controllers

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/sig-storage-lib-external-provisioner/v13/controller"
)

// directories makes volumes as directories of one file system that all
// Kubernetes nodes share, so a pod may move and take its volume along.
//
// They are volumes of type "local" and not "hostPath": the kubelet applies a
// pod's fsGroup to them, as it does to a disk. As on a fresh disk, the
// directory belongs to root: a pod that runs as another user needs fsGroup.
type directories struct {
	root string
}

func (d directories) Provision(
	_ context.Context, o controller.ProvisionOptions,
) (*v1.PersistentVolume, controller.ProvisioningState, error) {
	if o.PVC.Spec.Selector != nil {
		return nil, controller.ProvisioningFinished, fmt.Errorf("claims with a selector are not supported")
	}
	path := filepath.Join(d.root, o.PVName)
	if err := os.MkdirAll(path, 0o755); err != nil {
		return nil, controller.ProvisioningNoChange, err
	}
	if err := os.Chmod(path, 0o755); err != nil { // whatever the umask
		return nil, controller.ProvisioningNoChange, err
	}
	return &v1.PersistentVolume{
		ObjectMeta: metav1.ObjectMeta{Name: o.PVName},
		Spec: v1.PersistentVolumeSpec{
			PersistentVolumeReclaimPolicy: *o.StorageClass.ReclaimPolicy,
			AccessModes:                   o.PVC.Spec.AccessModes,
			MountOptions:                  o.StorageClass.MountOptions,
			VolumeMode:                    o.PVC.Spec.VolumeMode,
			Capacity: v1.ResourceList{
				v1.ResourceStorage: o.PVC.Spec.Resources.Requests[v1.ResourceStorage],
			},
			PersistentVolumeSource: v1.PersistentVolumeSource{
				Local: &v1.LocalVolumeSource{Path: path},
			},
			NodeAffinity: everyNode(),
		},
	}, controller.ProvisioningFinished, nil
}

func (d directories) Delete(_ context.Context, volume *v1.PersistentVolume) error {
	if volume.Spec.Local == nil || filepath.Dir(volume.Spec.Local.Path) != filepath.Clean(d.root) {
		return &controller.IgnoredError{Reason: "its directory was not made here"}
	}
	return os.RemoveAll(volume.Spec.Local.Path)
}

// everyNode is an affinity that all nodes satisfy: the API asks one of local volumes.
func everyNode() *v1.VolumeNodeAffinity {
	return &v1.VolumeNodeAffinity{Required: &v1.NodeSelector{
		NodeSelectorTerms: []v1.NodeSelectorTerm{{
			MatchExpressions: []v1.NodeSelectorRequirement{{
				Key: v1.LabelOSStable, Operator: v1.NodeSelectorOpIn, Values: []string{"linux"},
			}},
		}},
	}}
}
