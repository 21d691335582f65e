package lint

import (
	"context"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/ko-health/kohealth/builder/composefile"
	"github.com/ko-health/kohealth/builder/doctree"
	"github.com/ko-health/kohealth/builder/kube"
)

// readKubernetes reads the pods that a file's documents make, with the variables that its
// config maps and secrets set.
func readKubernetes(_ context.Context, f *file, _ Options) (groups []*group, err error) {
	style := kubeYAML
	if f.isJSON() {
		style = kubeJSON
	}
	configs := kube.ConfigsOf(f.docs, composefile.Unknown)
	for _, doc := range f.docs {
		pods := kube.Pods(doc)
		for _, pod := range pods {
			configs.Fill(pod)
			groups = append(groups, readPod(pod, style))
		}
		if len(pods) == 0 {
			g := newGroup()
			g.leaveSource(doc)
			groups = append(groups, g)
		}
	}
	return groups, nil
}

// readPod reads a pod's containers: each as a container of the group, and once more for
// each of its probes and hooks, of which a [container] has one.
func readPod(pod *kube.Pod, style style) *group {
	g := &group{Runtime: onKubernetes, Style: style, Pod: pod, platformUnsure: true,
		Platform: v1.Platform{OS: pod.OS, Architecture: "amd64"}}
	if pod.Architecture != "" {
		g.Platform.Architecture, g.platformUnsure = pod.Architecture, false
	}
	for _, k := range pod.Containers {
		g.Containers = append(g.Containers, readKubeContainer(g, k))
		for _, p := range k.Probes {
			c := readKubeContainer(g, k)
			c.Probe = p
			c.readKubeCheck()
			g.Containers = append(g.Containers, c)
		}
	}
	return g
}

func readKubeContainer(g *group, k *kube.Container) *container {
	c := &container{
		group:     g,
		Kube:      k,
		Name:      k.Name,
		Pos:       k.Pos,
		ImageRef:  k.Image,
		Essential: true,
		Env:       k.Environment(composefile.Unknown),
		EnvOpen:   k.EnvOpen || g.Pod.ServiceLinks,
		User:      kubeUser(k),
		Mounts:    k.Mounts,
		ReadOnly:  k.ReadOnly,
	}
	c.Dir, _ = k.Dir.Str()
	for _, other := range g.Pod.Containers { // of one network
		for _, p := range other.Ports {
			if p.Number > 0 && (p.Protocol == "" || p.Protocol == "TCP") {
				c.Ports = append(c.Ports, p.Number)
			}
		}
	}
	return c
}

// kubeUser returns USER[:GROUP], or nothing where that is the image's.
func kubeUser(k *kube.Container) *doctree.Node {
	user, isUser := k.User.Str()
	group, isGroup := k.Group.Str()
	switch {
	case k.MoreGroups, isGroup && !isUser: // who may do what is not known
		return &doctree.Node{Kind: doctree.Scalar, Text: composefile.Unknown}
	case isGroup:
		user += ":" + group
	case !isUser:
		return nil
	}
	return &doctree.Node{Kind: doctree.Scalar, Text: user, Pos: k.User.Pos}
}

// readKubeCheck reads the command of a probe or a hook, which is run without a shell.
func (c *container) readKubeCheck() {
	exec := c.Probe.Get("exec")
	if !exec.Given() || len(exec.Get("command").List()) == 0 {
		return
	}
	args := readArgs(exec.Get("command").List())
	for i := range args {
		if !c.Probe.Hook {
			args[i].Text = c.Kube.Static(args[i].Text)
		}
		if strings.Contains(args[i].Text, "{{") { // of a template
			args[i].Text, args[i].Open = composefile.Unknown, true
		}
	}
	c.Check = &check{
		Pos:      c.Probe.Pos,
		Test:     append([]arg{{Text: "CMD", Pos: exec.Pos}}, args...),
		Interval: readSeconds(c.Probe.Get("periodSeconds")),
		Timeout:  readSeconds(c.Probe.Get("timeoutSeconds")),
		Retries:  readNumber(c.Probe.Get("failureThreshold")),
	}
	c.Said = c.Check
}

// kubeStarts returns what starts in the container: command replaces the image's entrypoint
// and its arguments, args the arguments alone.
//
// https://kubernetes.io/docs/tasks/inject-data-application/define-command-argument-container/
func (c *container) kubeStarts() []string {
	words := func(n *doctree.Node) (words []string) {
		for _, item := range n.List() {
			words = append(words, c.Kube.Expanded(item.Text, composefile.Unknown))
		}
		return words
	}
	switch {
	case c.Kube.Command != nil:
		return slices.Concat(words(c.Kube.Command), words(c.Kube.Args))
	case c.Kube.Args != nil && c.Image != nil:
		return slices.Concat(c.Image.Config.Entrypoint, words(c.Kube.Args))
	}
	return nil
}

// kubeWords writes a test as the command of a probe or a hook.
func (c *container) kubeWords(test []string) []string {
	words := slices.Clone(test[1:])
	if test[0] == "CMD-SHELL" {
		words = append([]string{"/bin/sh", "-c"}, words...)
	}
	if c.Probe != nil && c.Probe.Hook { // nothing is expanded in it
		return words
	}
	for i, w := range words {
		words[i] = kube.Escape(w)
	}
	return words
}
