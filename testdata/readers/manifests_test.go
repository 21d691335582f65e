package readers

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"
)

// TestManifests reads the manifests of lint's cases and examples as an API server decodes
// them, with no field that it does not know. What lint says that the server refuses for its
// type, it does.
func TestManifests(t *testing.T) {
	read := 0
	for _, pattern := range []string{"ok/kubernetes*", "err/kubernetes*", "rules/kube-*"} {
		names, err := filepath.Glob(filepath.Join("..", "lint", filepath.FromSlash(pattern)))
		if err != nil || len(names) == 0 {
			t.Fatalf("no cases %s: %v", pattern, err)
		}
		for _, name := range names {
			archive, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range archive.Files {
				if filepath.Ext(f.Name) != ".yaml" || f.Name == "templated.yaml" { // which is filled in first
					continue
				}
				refused := strings.HasPrefix(f.Name, "bad/") && strings.HasSuffix(name, "kube-refused.txtar")
				for _, doc := range strings.Split("\n"+string(f.Data), "\n---\n") {
					read++
					if err := decode(doc); (err != nil) != refused {
						t.Errorf("%s: %s: error %v in\n%s", name, f.Name, err, doc)
					}
				}
			}
		}
	}
	if read < 20 {
		t.Errorf("%d manifests only", read)
	}
}

// decode decodes an object strictly.
func decode(doc string) error {
	_, err := decoded(doc)
	return err
}

func decoded(doc string) (any, error) {
	var meta struct {
		Kind string `json:"kind"`
	}
	if err := yaml.Unmarshal([]byte(doc), &meta); err != nil {
		return nil, err
	}
	kinds := map[string]any{
		"Pod": &corev1.Pod{}, "Service": &corev1.Service{}, "ConfigMap": &corev1.ConfigMap{}, "Secret": &corev1.Secret{},
		"Deployment": &appsv1.Deployment{}, "StatefulSet": &appsv1.StatefulSet{}, "CronJob": &batchv1.CronJob{},
	}
	object := kinds[meta.Kind]
	if object == nil {
		return nil, fmt.Errorf("kind %q: %w", meta.Kind, errors.ErrUnsupported)
	}
	return object, yaml.UnmarshalStrict([]byte(doc), object)
}
