// Package kube reads what Kubernetes starts and how it checks that: the containers of pods
// and of everything that makes pods, with their probes and hooks as the kubelet gets them.
//
// Values are read where they stand, so that a manifest, a list from an API server and one
// object of it are the same, and whoever reads them can say where something is wrong.
package kube

import (
	"cmp"
	"slices"
	"strings"

	"github.com/ko-health/kohealth/builder/doctree"
)

// A Pod is a pod, or the template by which a workload makes pods.
type Pod struct {
	Kind, Name   string // of the object, such as Deployment
	BuiltIn      bool   // its kind is Kubernetes' own, and not one that something else fills in
	Pos          doctree.Pos
	Containers   []*Container // apps, and sidecars: init containers that go on running
	OS           string       // "linux" where nothing is said
	Architecture string       // that nodes must have, as in amd64; "" is not said
	HostNetwork  bool         // the pod's address is the node's
	Ends         bool         // it is a job's: it is to end, and not to stay healthy
	ServiceLinks bool         // variables of every service of the namespace are set
}

// A Container is one of a pod's.
type Container struct {
	Name          string
	Pos           doctree.Pos
	Image         *doctree.Node     // nil in a part of a manifest, such as a patch
	Command, Args *doctree.Node     // nil is the image's
	Env           []Variable        // in order; of equal names the last counts
	EnvFrom       bool              // others are set, by envFrom
	EnvOpen       bool              // of which some are not known
	From          map[string]string // what is known of them; Env counts more
	Dir           *doctree.Node     // nil is the image's
	User, Group   *doctree.Node     // nil is the image's
	MoreGroups    bool              // there are supplementary groups that are not the image's
	ReadOnly      bool              // the root file system cannot be written
	Mounts        []*doctree.Node
	Ports         []Port
	Probes        []*Probe
	Sidecar       bool // an init container that goes on running

	envFrom []*doctree.Node
}

// A Variable is one of a container's environment.
type Variable struct {
	Name  string
	Value string // as it is written, references not expanded
	From  bool   // its value comes from elsewhere: a secret, a config map, a field
	Known bool   // and is known all the same

	from *doctree.Node
}

// A Port is one that a container says it listens on.
type Port struct {
	Name     string
	Number   int // 0 is not known
	Protocol string
}

// A Probe is a probe, or a hook of a container's lifecycle.
type Probe struct {
	Key  string // livenessProbe, readinessProbe, startupProbe, postStart, preStop
	Hook bool
	Pos  doctree.Pos
	*doctree.Node
}

// Pods returns the pods that a document makes, in the order of the document: one for a pod
// or a workload of any kind with a template of pods at its usual place, as many as there are
// for a list, and none for everything else.
func Pods(doc *doctree.Node) (pods []*Pod) {
	for _, object := range objects(doc, 0) {
		if pod := readPod(object); pod != nil {
			pods = append(pods, pod)
		}
	}
	return pods
}

// IsObject reports whether a document is an object of Kubernetes' API, or a list of them.
func IsObject(doc *doctree.Node) bool {
	version, hasVersion := doc.Get("apiVersion").Str()
	kind, hasKind := doc.Get("kind").Str()
	return hasVersion && hasKind && version != "" && kind != ""
}

// maxLists is how many lists may be in each other.
const maxLists = 3

func objects(doc *doctree.Node, depth int) (all []*doctree.Node) {
	kind, _ := doc.Get("kind").Str()
	if !strings.HasSuffix(kind, "List") || depth == maxLists {
		return []*doctree.Node{doc}
	}
	for _, item := range doc.Get("items").List() {
		all = append(all, objects(item, depth+1)...)
	}
	return all
}

// templates are where objects have the spec of their pods.
var templates = [][]string{
	{"spec", "jobTemplate", "spec", "template", "spec"}, // CronJob
	{"spec", "template", "spec"},                        // Deployment, StatefulSet, Job, Knative's Service, …
	{"template", "spec"},                                // PodTemplate
	{"spec"},                                            // Pod
}

func readPod(object *doctree.Node) *Pod {
	for _, path := range templates {
		spec := object
		for _, key := range path {
			spec = spec.Get(key)
		}
		if isPodSpec(spec) {
			return readSpec(object, spec)
		}
	}
	return nil
}

// isPodSpec reports whether a value holds containers.
func isPodSpec(spec *doctree.Node) bool {
	isContainer := func(n *doctree.Node) bool { return n.Get("name").Given() || n.Get("image").Given() }
	return slices.ContainsFunc(spec.Get("containers").List(), isContainer)
}

func readSpec(object, spec *doctree.Node) *Pod {
	p := &Pod{Pos: object.At(), HostNetwork: spec.Get("hostNetwork").IsTrue()}
	p.Kind, _ = object.Get("kind").Str()
	version, _ := object.Get("apiVersion").Str()
	p.BuiltIn = version == "v1" || strings.HasPrefix(version, "apps/") || strings.HasPrefix(version, "batch/") || version == "" // an item of a list
	p.Name, _ = object.Get("metadata").Get("name").Str()
	p.OS, p.Architecture = platform(spec)
	p.Ends = p.Kind == "Job" || p.Kind == "CronJob"
	links := spec.Get("enableServiceLinks")
	p.ServiceLinks = !links.Given() || links.IsTrue()
	security := spec.Get("securityContext")
	for _, n := range spec.Get("initContainers").List() {
		if policy, _ := n.Get("restartPolicy").Str(); policy == "Always" {
			c := readContainer(n, security)
			c.Sidecar = true
			p.Containers = append(p.Containers, c)
		}
	}
	for _, n := range spec.Get("containers").List() {
		p.Containers = append(p.Containers, readContainer(n, security))
	}
	return p
}

// platform returns what kind of node a pod asks for.
//
// https://kubernetes.io/docs/reference/labels-annotations-taints/
func platform(spec *doctree.Node) (os, architecture string) {
	nodes := spec.Get("nodeSelector")
	named, _ := spec.Get("os").Get("name").Str()
	selected, _ := nodes.Get("kubernetes.io/os").Str()
	architecture, _ = nodes.Get("kubernetes.io/arch").Str()
	return cmp.Or(named, selected, "linux"), architecture
}

func readContainer(n, pod *doctree.Node) *Container {
	security := n.Get("securityContext")
	c := &Container{
		Pos:        n.At(),
		Image:      n.Get("image"),
		Command:    list(n.Get("command")),
		Args:       list(n.Get("args")),
		EnvFrom:    len(n.Get("envFrom").List()) > 0,
		EnvOpen:    len(n.Get("envFrom").List()) > 0,
		From:       map[string]string{},
		envFrom:    n.Get("envFrom").List(),
		Dir:        n.Get("workingDir"),
		User:       either(security.Get("runAsUser"), pod.Get("runAsUser")),
		Group:      either(security.Get("runAsGroup"), pod.Get("runAsGroup")),
		MoreGroups: pod.Get("supplementalGroups").Given() || pod.Get("fsGroup").Given(),
		ReadOnly:   security.Get("readOnlyRootFilesystem").IsTrue(),
		Probes:     readProbes(n),
	}
	c.Name, _ = n.Get("name").Str()
	for _, v := range n.Get("env").List() {
		name, _ := v.Get("name").Str()
		value, ok := v.Get("value").Str()
		from := v.Get("valueFrom")
		c.Env = append(c.Env, Variable{Name: name, Value: value, From: from.Given() || v.Get("value").Given() && !ok, from: from})
	}
	for _, m := range n.Get("volumeMounts").List() {
		c.Mounts = append(c.Mounts, m.Get("mountPath"))
	}
	for _, p := range n.Get("ports").List() {
		port := Port{}
		port.Name, _ = p.Get("name").Str()
		port.Number, _ = p.Get("containerPort").Int()
		port.Protocol, _ = p.Get("protocol").Str()
		c.Ports = append(c.Ports, port)
	}
	return c
}

// list returns a list that has something in it: an empty one counts as none.
func list(n *doctree.Node) *doctree.Node {
	if len(n.List()) == 0 && (n == nil || n.Kind == doctree.List || n.Kind == doctree.Null) {
		return nil
	}
	return n
}

func either(a, b *doctree.Node) *doctree.Node {
	if a.Given() {
		return a
	}
	return b
}

func readProbes(n *doctree.Node) (probes []*Probe) {
	add := func(key string, hook bool, value *doctree.Node) {
		if value.Given() {
			probes = append(probes, &Probe{key, hook, value.Pos, value})
		}
	}
	for _, key := range []string{"startupProbe", "livenessProbe", "readinessProbe"} {
		add(key, false, n.Get(key))
	}
	for _, key := range []string{"postStart", "preStop"} {
		add(key, true, n.Get("lifecycle").Get(key))
	}
	return probes
}
