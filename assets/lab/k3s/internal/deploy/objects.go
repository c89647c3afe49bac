package deploy

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/dynamic"
)

// parse reads all documents of a manifest; lists are taken apart.
func parse(content []byte) ([]*unstructured.Unstructured, error) {
	var objects []*unstructured.Unstructured
	decoder := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(content), 4096)
	for {
		object := &unstructured.Unstructured{}
		err := decoder.Decode(object)
		if errors.Is(err, io.EOF) {
			return objects, nil
		}
		if err != nil {
			return nil, err
		}
		if len(object.Object) == 0 {
			continue
		}
		if !object.IsList() {
			objects = append(objects, object)
			continue
		}
		err = object.EachListItem(func(item runtimeObject) error {
			if one, ok := item.(*unstructured.Unstructured); ok {
				objects = append(objects, one)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
}

func (a *Applier) resource(object *unstructured.Unstructured) (dynamic.ResourceInterface, error) {
	kind := object.GroupVersionKind()
	mapping, err := a.mapper.RESTMapping(kind.GroupKind(), kind.Version)
	if meta.IsNoMatchError(err) {
		a.mapper.Reset() // its definition may have come with the object before it
		mapping, err = a.mapper.RESTMapping(kind.GroupKind(), kind.Version)
	}
	if err != nil {
		return nil, err
	}
	if mapping.Scope.Name() != meta.RESTScopeNameNamespace {
		return a.dynamic.Resource(mapping.Resource), nil
	}
	namespace := object.GetNamespace()
	if namespace == "" {
		namespace = "default"
	}
	return a.dynamic.Resource(mapping.Resource).Namespace(namespace), nil
}

func (a *Applier) apply(ctx context.Context, object *unstructured.Unstructured) error {
	resource, err := a.resource(object)
	if err != nil {
		return err
	}
	options := metav1.ApplyOptions{FieldManager: "deploy@" + a.options.Node, Force: true}
	if _, err := resource.Apply(ctx, object.GetName(), object, options); err != nil {
		return fmt.Errorf("%s %s: %w", object.GetKind(), object.GetName(), err)
	}
	return nil
}

// removeDisabled deletes what a disabled packaged component had made, once: its AddOn is the sign that it was there.
func (a *Applier) removeDisabled(ctx context.Context) error {
	entries, err := packaged.ReadDir("manifests")
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if !a.disabled(entry.Name()) {
			continue
		}
		known, err := a.addon(ctx, addonName(entry.Name()))
		if err != nil {
			return err
		}
		if known == "" {
			continue
		}
		if err := a.remove(ctx, entry.Name()); err != nil {
			return err
		}
	}
	return nil
}

func (a *Applier) remove(ctx context.Context, name string) error {
	content, err := a.packagedText(name)
	if err != nil {
		return err
	}
	objects, err := parse(content)
	if err != nil {
		return err
	}
	background := metav1.DeletePropagationBackground
	for _, object := range objects {
		resource, err := a.resource(object)
		if err != nil {
			return err
		}
		err = resource.Delete(ctx, object.GetName(), metav1.DeleteOptions{PropagationPolicy: &background})
		if err != nil && !apierrors.IsNotFound(err) {
			return err
		}
	}
	return a.forgetAddon(ctx, addonName(name))
}
