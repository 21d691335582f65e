package kube

import (
	"maps"
	"strings"
)

// Expand replaces references to variables, $(NAME), as Kubernetes does: $$ stands for a
// dollar, and a reference to what there is not stays as it is.
//
// https://kubernetes.io/docs/tasks/inject-data-application/define-interdependent-environment-variables/
func Expand(text string, value func(name string) (string, bool)) string {
	var b strings.Builder
	for {
		before, rest, ok := strings.Cut(text, "$")
		b.WriteString(before)
		if !ok {
			return b.String()
		}
		name, after, closed := strings.Cut(strings.TrimPrefix(rest, "("), ")")
		switch {
		case strings.HasPrefix(rest, "$"):
			b.WriteByte('$')
			text = rest[1:]
		case strings.HasPrefix(rest, "(") && closed:
			if v, ok := value(name); ok {
				b.WriteString(v)
			} else {
				b.WriteString("$(" + name + ")")
			}
			text = after
		default:
			b.WriteByte('$')
			text = rest
		}
	}
}

// Escape writes a word so that Kubernetes expands nothing in it.
func Escape(word string) string {
	var b strings.Builder
	for i := range len(word) {
		if word[i] == '$' && i+1 < len(word) && (word[i+1] == '$' || word[i+1] == '(') {
			b.WriteByte('$')
		}
		b.WriteByte(word[i])
	}
	return b.String()
}

// Static expands a word of a probe's command. The kubelet knows only what env says there:
// a value that comes from elsewhere is empty, and what envFrom sets is not there. The words
// of a hook are not expanded at all.
//
// https://github.com/kubernetes/kubernetes/blob/master/pkg/kubelet/prober/prober.go
func (c *Container) Static(word string) string {
	return Expand(word, func(name string) (value string, ok bool) {
		for _, v := range c.Env {
			if v.Name == name {
				value, ok = v.Value, true
				if v.From {
					value = ""
				}
			}
		}
		return value, ok
	})
}

// Expanded returns a word of command or args, or the value of a variable, as the container
// gets it. unknown stands for what is known only in the cluster.
func (c *Container) Expanded(word, unknown string) string {
	return expanded(word, c.Environment(unknown), unknown)
}

// Environment returns the variables that env and envFrom set. unknown stands for what is known only
// in the cluster.
func (c *Container) Environment(unknown string) map[string]string {
	env := map[string]string{}
	maps.Copy(env, c.From)
	for _, v := range c.Env {
		switch {
		case v.From && v.Known: // nothing is expanded in it
			env[v.Name] = v.Value
		case v.From:
			env[v.Name] = unknown
		default:
			env[v.Name] = expanded(v.Value, env, unknown)
		}
	}
	return env
}

// expanded takes a variable that nothing sets for one that envFrom or a service sets.
func expanded(word string, env map[string]string, unknown string) string {
	return Expand(word, func(name string) (string, bool) {
		if value, ok := env[name]; ok {
			return value, true
		}
		return unknown, true
	})
}
