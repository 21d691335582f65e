package composefile

import (
	"bytes"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/compose-spec/compose-go/v2/schema"

	"github.com/ko-health/kohealth/builder/doctree"
)

// plainRoot returns a file as Compose reads it if there is nothing in it to merge or to look
// up, all its variables are set, and Compose's schema takes it; or else nil. The library
// takes ten times as long for a file of many services, most of it for finding that nothing
// is to be done.
func (l *load) plainRoot(data []byte) *doctree.Node {
	if len(l.docs) != 1 || len(l.others) > 0 || bytes.ContainsRune(data, '!') {
		return nil
	}
	root := l.docs[0]
	if bytes.ContainsRune(data, '$') {
		v := l.project.variables
		if root = v.plainly(root); root == nil || len(v.unset) > 0 {
			return nil
		}
	}
	if !isPlain(root) {
		return nil
	}
	return root
}

// plainly replaces the variables of a value, or returns nil if it has such as Compose
// refuses, or one in the place of a number.
func (v *variables) plainly(n *doctree.Node) *doctree.Node {
	c := *n
	if c.Kind == doctree.Scalar && strings.Contains(c.Text, "$") {
		text, err := v.substitute(c.Text, v.lookup)
		if err != nil {
			return nil
		}
		c.Text, c.Bare = text, false
	}
	c.Items, c.Fields = slices.Clone(c.Items), slices.Clone(c.Fields)
	for i, item := range c.Items {
		if c.Items[i] = v.plainly(item); c.Items[i] == nil {
			return nil
		}
	}
	for i, f := range c.Fields {
		value := v.plainly(f.Value)
		if value == nil || f.Value.Kind == doctree.Scalar && slices.Contains(numbers, f.Key.Text) && strings.Contains(f.Value.Text, "$") {
			return nil
		}
		c.Fields[i].Value = value
	}
	return &c
}

// numbers are keys of a check whose values are no strings.
var numbers = []string{"interval", "timeout", "retries", "start_period", "start_interval", "disable"}

func isPlain(root *doctree.Node) bool {
	services := root.Get("services")
	for _, f := range root.Map() {
		if !slices.Contains([]string{"services", "networks", "volumes", "name"}, f.Key.Text) && !strings.HasPrefix(f.Key.Text, "x-") {
			return false
		}
	}
	for _, f := range services.Map() {
		if !isPlainService(f.Value, root) {
			return false
		}
	}
	model, ok := plainValue(root)
	fields, isMap := model.(map[string]any)
	return ok && isMap && len(services.Map()) > 0 && schema.Validate(fields) == nil
}

// plainKeys are keys of a service whose values Compose takes as they are, or that
// isPlainService judges.
const plainKeys = " image container_name command entrypoint expose environment restart user healthcheck labels working_dir hostname ports depends_on networks volumes "

func isPlainService(service, root *doctree.Node) bool {
	for _, f := range service.Map() {
		if !strings.Contains(plainKeys, " "+f.Key.Text+" ") {
			return false
		}
	}
	for _, port := range service.Get("ports").List() {
		if !plainPort.MatchString(port.Text) {
			return false
		}
	}
	for _, volume := range service.Get("volumes").List() {
		m := plainVolume.FindStringSubmatch(volume.Text)
		if m == nil || m[1] != "" && lastField(root.Get("volumes"), m[1]) < 0 {
			return false
		}
	}
	return service.Get("image").Given() && isPlainCheck(service.Get("healthcheck")) &&
		areNamed(service.Get("depends_on"), root.Get("services")) && areNamed(service.Get("networks"), root.Get("networks"))
}

var (
	plainPort   = regexp.MustCompile(`^(\d{1,4}:)?\d{1,4}(/tcp|/udp)?$`)
	plainVolume = regexp.MustCompile(`^(?:([a-z][\w-]*)|\.{0,2}/[\w./-]*):/[\w./-]*(:ro|:rw)?$`)
)

// areNamed reports whether all that a list or map names is defined.
func areNamed(names, defined *doctree.Node) bool {
	for _, n := range names.List() {
		if lastField(defined, n.Text) < 0 {
			return false
		}
	}
	for _, f := range names.Map() {
		if lastField(defined, f.Key.Text) < 0 {
			return false
		}
	}
	return true
}

func isPlainCheck(check *doctree.Node) bool {
	if test := check.Get("test").List(); len(test) > 0 && !slices.Contains([]string{"CMD", "CMD-SHELL", "NONE"}, test[0].Text) {
		return false
	}
	if retries, ok := check.Get("retries").Str(); ok {
		if n, err := strconv.Atoi(retries); err != nil || n < 0 {
			return false
		}
	}
	for _, key := range []string{"interval", "timeout", "start_period", "start_interval"} {
		if text, ok := check.Get(key).Str(); ok {
			if _, err := time.ParseDuration(text); err != nil {
				return false
			}
		}
	}
	return true
}

// plainValue returns a value as the library reads it. ok is false if that is not sure.
func plainValue(n *doctree.Node) (value any, ok bool) {
	switch {
	case n.Kind == doctree.Null:
		return nil, true
	case n.Kind == doctree.Scalar && !n.Bare:
		return n.Text, true
	case n.Kind == doctree.Scalar:
		return plainNumber(n.Text)
	case n.Kind == doctree.List:
		return plainList(n)
	case n.Kind == doctree.Map:
		return plainMap(n)
	}
	return nil, false
}

func plainNumber(text string) (value any, ok bool) {
	if text == "true" || text == "false" {
		return text == "true", true
	}
	i, err := strconv.Atoi(text)
	return i, err == nil && strconv.Itoa(i) == text
}

func plainList(n *doctree.Node) (value any, ok bool) {
	items := make([]any, len(n.Items))
	for i, item := range n.Items {
		if items[i], ok = plainValue(item); !ok {
			return nil, false
		}
	}
	return items, true
}

func plainMap(n *doctree.Node) (value any, ok bool) {
	fields := make(map[string]any, len(n.Fields))
	for _, f := range n.Fields {
		if fields[f.Key.Text], ok = plainValue(f.Value); !ok || f.Key.Bare {
			return nil, false
		}
	}
	return fields, len(fields) == len(n.Fields) // no key is there twice, and none is merged
}
