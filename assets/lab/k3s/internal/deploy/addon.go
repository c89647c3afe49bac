package deploy

import (
	"context"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

type runtimeObject = runtime.Object

var (
	addons      = schema.GroupVersionResource{Group: "k3s.cattle.io", Version: "v1", Resource: "addons"}
	definitions = schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"}
)

// addonKind is K3s's AddOn as far as it is used here: where a manifest came from, and the checksum of what was applied.
const addonKind = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: addons.k3s.cattle.io
spec:
  group: k3s.cattle.io
  scope: Namespaced
  names: {kind: Addon, listKind: AddonList, plural: addons, singular: addon}
  versions:
    - name: v1
      served: true
      storage: true
      additionalPrinterColumns:
        - {name: Source, type: string, jsonPath: .spec.source}
        - {name: Checksum, type: string, jsonPath: .spec.checksum}
      schema:
        openAPIV3Schema:
          type: object
          properties:
            spec:
              type: object
              properties:
                source: {type: string}
                checksum: {type: string}
`

func (a *Applier) ensureKind(ctx context.Context) error {
	_, err := a.dynamic.Resource(definitions).Get(ctx, "addons.k3s.cattle.io", metav1.GetOptions{})
	if !apierrors.IsNotFound(err) {
		return err
	}
	objects, err := parse([]byte(addonKind))
	if err != nil {
		return err
	}
	return a.apply(ctx, objects[0])
}

// addon is the checksum that was applied last; empty where none was.
func (a *Applier) addon(ctx context.Context, name string) (string, error) {
	found, err := a.dynamic.Resource(addons).Namespace("kube-system").Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	checksum, _, err := unstructured.NestedString(found.Object, "spec", "checksum")
	return checksum, err
}

func (a *Applier) saveAddon(ctx context.Context, name, source, checksum string) error {
	object := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "k3s.cattle.io/v1", "kind": "Addon",
		"metadata": map[string]any{"name": name, "namespace": "kube-system"},
		"spec":     map[string]any{"source": source, "checksum": checksum},
	}}
	return a.apply(ctx, object)
}

func (a *Applier) forgetAddon(ctx context.Context, name string) error {
	return a.dynamic.Resource(addons).Namespace("kube-system").Delete(ctx, name, metav1.DeleteOptions{})
}
