package kube

import (
	"github.com/ko-health/kohealth/builder/doctree"
)

// Configs are the config maps and secrets of a manifest, from which containers of the same
// manifest get variables.
type Configs map[configName]map[string]string

type configName struct{ kind, name string }

// ConfigsOf finds the config maps and secrets of documents. unknown stands for the values of
// secrets, which are nobody's to print.
func ConfigsOf(docs []*doctree.Node, unknown string) Configs {
	configs := Configs{}
	for _, doc := range docs {
		for _, object := range objects(doc, 0) {
			kind, _ := object.Get("kind").Str()
			name, _ := object.Get("metadata").Get("name").Str()
			if kind == "ConfigMap" || kind == "Secret" {
				configs[configName{kind, name}] = values(object, unknown)
			}
		}
	}
	return configs
}

func values(object *doctree.Node, unknown string) map[string]string {
	found := map[string]string{}
	for _, key := range []string{"data", "stringData"} {
		for _, f := range object.Get(key).Map() {
			text, ok := f.Value.Str()
			if kind, _ := object.Get("kind").Str(); !ok || kind == "Secret" {
				text = unknown
			}
			found[f.Key.Text] = text
		}
	}
	return found
}

// Fill sets the variables of a pod's containers that come from config maps and secrets that
// there are. Others stay unknown.
func (c Configs) Fill(p *Pod) {
	for _, container := range p.Containers {
		container.EnvOpen = false
		for _, n := range container.envFrom {
			container.EnvOpen = !c.fillAll(container, n) || container.EnvOpen
		}
		for i := range container.Env {
			v := &container.Env[i]
			for kind, key := range map[string]string{"ConfigMap": "configMapKeyRef", "Secret": "secretKeyRef"} {
				ref := v.from.Get(key)
				name, _ := ref.Get("name").Str()
				wanted, _ := ref.Get("key").Str()
				v.Value, v.Known = c.value(configName{kind, name}, wanted, v.Value, v.Known)
			}
		}
	}
}

// value returns a value of a config, or else what there is.
func (c Configs) value(of configName, key, value string, known bool) (string, bool) {
	if found, ok := c[of][key]; ok {
		return found, true
	}
	return value, known
}

// fillAll sets all that an entry of envFrom names, and reports whether that is there.
func (c Configs) fillAll(container *Container, entry *doctree.Node) bool {
	prefix, _ := entry.Get("prefix").Str()
	for kind, key := range map[string]string{"ConfigMap": "configMapRef", "Secret": "secretRef"} {
		name, ok := entry.Get(key).Get("name").Str()
		if found, there := c[configName{kind, name}]; ok && there {
			for variable, value := range found {
				container.From[prefix+variable] = value
			}
			return true
		}
	}
	return false
}
