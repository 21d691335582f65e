package kube_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ko-health/kohealth/builder/doctree"
	"github.com/ko-health/kohealth/builder/kube"
)

func TestExpand(t *testing.T) {
	c := &kube.Container{Env: []kube.Variable{{Name: "A", Value: "1"}, {Name: "A", Value: "2"}, {Name: "B", Value: "$(A)"}, {Name: "S", From: true}, {Name: "K", Value: "k", From: true, Known: true}}}
	for _, tt := range []struct{ word, probe, arg string }{
		{"$(A)", "2", "2"},
		{"$(B)", "$(A)", "2"},
		{"-$(S)-", "--", "-?-"},
		{"-$(K)-", "--", "-k-"},
		{"$(N)", "$(N)", "?"},
		{"$$(A)", "$(A)", "$(A)"},
		{"$$$(A)", "$2", "$2"},
		{"$(A", "$(A", "$(A"},
		{"$A ${A} $", "$A ${A} $", "$A ${A} $"},
		{"$()x)", "$()x)", "?x)"},
	} {
		if got := c.Static(tt.word); got != tt.probe {
			t.Errorf("in a probe, %s is %s, want %s", tt.word, got, tt.probe)
		}
		if got := c.Expanded(tt.word, "?"); got != tt.arg {
			t.Errorf("in args, %s is %s, want %s", tt.word, got, tt.arg)
		}
	}
}

// TestConfigs fills in what config maps and secrets of the same manifest say.
func TestConfigs(t *testing.T) {
	docs, err := doctree.ParseAll([]byte(`
apiVersion: v1
kind: Pod
spec:
  containers:
  - name: known
    envFrom: [{configMapRef: {name: a}, prefix: P_}, {secretRef: {name: s}}]
    env: [{name: X, valueFrom: {configMapKeyRef: {name: a, key: k}}}, {name: Y, valueFrom: {configMapKeyRef: {name: a, key: none}}}]
  - name: open
    envFrom: [{configMapRef: {name: a}}, {configMapRef: {name: other}}]
---
apiVersion: v1
kind: List
items: [{kind: ConfigMap, metadata: {name: a}, data: {k: $(v)}}, {kind: Secret, metadata: {name: s}, data: {t: dQ==}, stringData: {u: v}}]
`))
	if err != nil {
		t.Fatal(err)
	}
	pod := kube.Pods(docs[0])[0]
	kube.ConfigsOf(docs, "?").Fill(pod)
	known, open := pod.Containers[0], pod.Containers[1]
	want := map[string]string{"P_k": "$(v)", "t": "?", "u": "?", "X": "$(v)", "Y": "?"}
	if diff := cmp.Diff(want, known.Environment("?")); diff != "" || known.EnvOpen {
		t.Errorf("open: %v (-want +got):\n%s", known.EnvOpen, diff)
	}
	if diff := cmp.Diff(map[string]string{"k": "$(v)"}, open.Environment("?")); diff != "" || !open.EnvOpen {
		t.Errorf("open: %v (-want +got):\n%s", open.EnvOpen, diff)
	}
}

// FuzzEscape checks that what is escaped comes back.
func FuzzEscape(f *testing.F) {
	for _, seed := range []string{"$(A)", "$$", "$$(", "$", "a$b$(c$)"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, word string) {
		back := kube.Expand(kube.Escape(word), func(string) (string, bool) { return "!", true })
		if back != word {
			t.Errorf("%q is escaped as %q, which is %q", word, kube.Escape(word), back)
		}
	})
}

func TestPods(t *testing.T) {
	const spec = "{containers: [{name: a, image: b}]}"
	for _, tt := range []struct{ text, want string }{
		{"{apiVersion: v1, kind: Pod, metadata: {name: p}, spec: " + spec + "}", "Pod/p: a"},
		{"{apiVersion: apps/v1, kind: Deployment, metadata: {name: d}, spec: {template: {spec: " + spec + "}}}", "Deployment/d: a"},
		{"{apiVersion: batch/v1, kind: CronJob, metadata: {name: c}, spec: {jobTemplate: {spec: {template: {spec: " + spec + "}}}}}", "CronJob/c: a"},
		{"{apiVersion: v1, kind: PodTemplate, metadata: {name: t}, template: {spec: " + spec + "}}", "PodTemplate/t: a"},
		{"{apiVersion: v1, kind: List, items: [{kind: Pod, metadata: {name: p}, spec: " + spec + "}, {kind: ConfigMap}, {kind: PodList, items: [{kind: Pod, metadata: {name: q}, spec: " + spec + "}]}]}", "Pod/p: a; Pod/q: a"},
		{"{apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {initContainers: [{name: once}, {name: side, restartPolicy: Always}], containers: [{name: a}]}}", "Pod/p: side a"},
		{"{apiVersion: v1, kind: Service, metadata: {name: s}, spec: {ports: []}}", ""},
	} {
		doc, err := doctree.Parse([]byte("--- " + tt.text))
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, p := range kube.Pods(doc) {
			names := p.Kind + "/" + p.Name + ":"
			for _, c := range p.Containers {
				names += " " + c.Name
			}
			got = append(got, names)
		}
		if diff := cmp.Diff(tt.want, strings.Join(got, "; ")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.text, diff)
		}
	}
}
