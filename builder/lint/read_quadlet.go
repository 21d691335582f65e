package lint

import (
	"bytes"
	"context"
	"path"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/ko-health/kohealth/builder/composefile"
	"github.com/ko-health/kohealth/builder/doctree"
)

func isQuadlet(f *file) bool {
	switch path.Ext(f.name) {
	case ".container", ".kube":
		return true
	}
	return false
}

// readQuadlet reads the container of a unit of Quadlet's.
//
// https://docs.podman.io/en/latest/markdown/podman-systemd.unit.5.html
func readQuadlet(_ context.Context, f *file, _ Options) ([]*group, error) {
	g := newRunGroup()
	g.Style = quadletStyle
	if path.Ext(f.name) == ".kube" {
		for _, e := range unitEntries(f.data, "Kube") {
			if e.key == "Yaml" {
				g.left("what " + e.value + " says, which can be linted itself")
			}
		}
		return []*group{g}, nil
	}
	c := &container{group: g, Pos: doctree.Pos{Line: 1, Column: 1}, Essential: true, Env: map[string]string{}, Check: &check{}}
	c.Name = strings.TrimSuffix(path.Base(strings.ReplaceAll(f.name, `\`, "/")), ".container")
	g.Containers = []*container{c}
	r := &runReader{engine: "podman", container: c}
	for _, e := range unitEntries(f.data, "Container") {
		r.entry(e)
	}
	if c.Check.isEmpty() && len(c.Check.Test) == 0 {
		c.Check = nil
	}
	c.Said = c.Check
	return []*group{g}, nil
}

// An entry is a line of a unit, with those that continue it.
type entry struct {
	key, value  string
	doctree.Pos // of the value
}

// unitEntries returns the entries of a section, as systemd.syntax(7) has them.
func unitEntries(data []byte, section string) (entries []entry) {
	var within, continues bool
	number := 0
	for line := range bytes.Lines(bytes.TrimPrefix(data, []byte("\uFEFF"))) {
		number++
		text := strings.TrimRight(string(line), "\r\n")
		trimmed := strings.TrimSpace(text)
		switch {
		case strings.HasPrefix(trimmed, "#") || strings.HasPrefix(trimmed, ";"):
			continue
		case continues:
			entries[len(entries)-1].value += strings.TrimSuffix(trimmed, `\`)
		case strings.HasPrefix(trimmed, "["):
			within = trimmed == "["+section+"]"
			continue
		case !within || !strings.Contains(text, "="):
			continue
		default:
			key, value, _ := strings.Cut(text, "=")
			skipped := len(value) - len(strings.TrimLeft(value, " \t"))
			at := doctree.Pos{Line: number, Column: utf8.RuneCountInString(text[:len(key)+1+skipped]) + 1}
			entries = append(entries, entry{strings.TrimSpace(key), strings.TrimSuffix(strings.TrimSpace(value), `\`), at})
		}
		continues = strings.HasSuffix(trimmed, `\`)
	}
	return entries
}

// isSpecifier matches what systemd replaces: %n, and variables in what a unit starts.
var isSpecifier = regexp.MustCompile(`%[a-zA-Z]|\$\{?[A-Za-z_]\w*\}?`)

// entry notes what an entry says.
func (r *runReader) entry(e entry) {
	value := strings.ReplaceAll(isSpecifier.ReplaceAllString(strings.ReplaceAll(e.value, "%%", "\x00"), composefile.Unknown), "\x00", "%")
	c := r.container
	if strings.TrimSpace(value) == "" { // what was said before counts no more
		r.reset(e.key)
		return
	}
	if !slices.Contains(unitLists, e.key) {
		value = unquoted(value)
	}
	node := &doctree.Node{Kind: doctree.Scalar, Text: value, Pos: e.Pos}
	switch e.key {
	case "Image":
		c.ImageRef = node
		if strings.HasSuffix(value, ".image") || strings.HasSuffix(value, ".build") { // another unit
			node.Kind, node.Text = doctree.Unknown, ""
		}
	case "Environment":
		for _, word := range unitWords(value) {
			key, text, _ := strings.Cut(word, "=")
			c.Env[key] = text
		}
	case "EnvironmentFile", "EnvironmentHost", "Secret", "PodmanArgs", "GlobalArgs", "ContainersConfModule":
		c.EnvOpen, c.MountsOpen = true, true
	case "User":
		c.User = node
	case "WorkingDir":
		c.Dir = value
	case "ReadOnly":
		c.ReadOnly = slices.Contains([]string{"true", "yes", "on", "1"}, strings.ToLower(value))
	case "Exec":
		list := unitWords(value)
		c.Command = words{Given: true, List: list, Open: isOpen(value)}
	case "Entrypoint":
		c.Entrypoint = words{Given: true, List: r.entrypoint(value), Open: isOpen(value)}
	case "HealthStartupCmd":
		c.left("HealthStartupCmd of " + c.Name)
	case "Volume":
		c.Mounts = append(c.Mounts, readVolume(node))
	case "Mount":
		c.Mounts = append(c.Mounts, mountTarget(value)...)
	case "Tmpfs":
		r.set("tmpfs", value)
	case "PublishPort", "ExposeHostPort":
		r.set("publish", value)
	case "ContainerName":
		if !isOpen(value) {
			c.Name = value
		}
	default:
		r.healthEntry(e.key, value, e.Pos)
	}
}

// unitLists are keys whose values are words, or that may be said several times.
var unitLists = []string{"Environment", "Exec", "Volume", "Mount", "Tmpfs", "PublishPort", "ExposeHostPort"}

// unquoted returns a value without the quotes around it.
func unquoted(value string) string {
	if len(value) > 1 && strings.HasPrefix(value, `"`) && strings.HasSuffix(value, `"`) {
		return value[1 : len(value)-1]
	}
	return value
}

// reset undoes what a key has said: an empty value counts as none.
func (r *runReader) reset(key string) {
	c := r.container
	switch key {
	case "Environment":
		clear(c.Env)
	case "Volume", "Mount", "Tmpfs": // which of them is not noted
		c.Mounts, c.MountsOpen = nil, true
	case "HealthCmd":
		c.Check.Test = nil
	case "Exec":
		c.Command = words{}
	}
}

func (r *runReader) healthEntry(key, value string, at doctree.Pos) {
	check := r.container.Check
	switch key {
	case "HealthCmd":
		check.Test, check.Pos = nil, at
		for _, word := range podmanTest(value) {
			check.Test = append(check.Test, arg{Text: word, Open: isOpen(word), Pos: at})
		}
	case "HealthInterval":
		check.Interval = runDuration(value, at)
	case "HealthTimeout":
		check.Timeout = runDuration(value, at)
	case "HealthStartPeriod":
		check.StartPeriod = runDuration(value, at)
	case "HealthRetries":
		check.Retries = readNumber(&doctree.Node{Kind: doctree.Scalar, Text: value, Pos: at})
	}
}

// unitWords splits words as systemd does: what stands in quotes is one, and a backslash
// escapes.
//
// https://www.freedesktop.org/software/systemd/man/latest/systemd.syntax.html#Quoting
func unitWords(value string) (list []string) {
	var b strings.Builder
	quote, escaped, within := rune(0), false, false
	for _, r := range value + " " {
		isSpace := r == ' ' || r == '\t' || r == '\n'
		switch {
		case escaped:
			b.WriteRune(unescaped(r))
			escaped = false
		case r == '\\':
			escaped, within = true, true
		case quote == 0 && (r == '"' || r == '\''):
			quote, within = r, true
		case r == quote:
			quote = 0
		case quote == 0 && isSpace:
			if within {
				list = append(list, b.String())
				b.Reset()
			}
			within = false
		default:
			b.WriteRune(r)
			within = true
		}
	}
	return list
}

// unescaped returns what a letter stands for behind a backslash.
func unescaped(r rune) rune {
	switch r {
	case 'n':
		return '\n'
	case 't':
		return '\t'
	case 's':
		return ' '
	}
	return r
}
