package taskdef

import (
	"bytes"
	"regexp"
	"strconv"
	"strings"

	"github.com/ko-health/kohealth/builder/doctree"
	"github.com/ko-health/kohealth/builder/quote"
	"github.com/ko-health/kohealth/builder/render"
)

// A style is how the members of a container are written.
type style struct {
	block     bool // YAML's, with neither brackets nor commas
	pascal    bool // CloudFormation's keys, as in StartPeriod
	quoteKeys bool
	colon     string // ":" with the space behind it, if there is one
	newline   string // "" if all is written on one line
	indent    string // before a member
	unit      string // by which members of members are indented more
}

// style returns the style of a map's field.
func (f *File) style(n *doctree.Node, field *doctree.Field) style {
	s := style{
		block:  !n.Flow,
		pascal: isPascal(field.Key.Text),
		colon:  ": ",
		unit:   "  ",
	}
	key := field.Key.Span.Start
	s.quoteKeys = f.data[key] == '"'
	line := f.data[:key]
	line = line[bytes.LastIndexByte(line, '\n')+1:]
	if s.block {
		s.newline, s.indent = f.newline(), strings.Repeat(" ", field.Key.Pos.Column-1)
		return s
	}
	if between := f.data[field.Key.Span.End:field.Value.Span.Start]; f.isJSON() && bytes.HasSuffix(between, []byte(":")) {
		s.colon = ":"
	}
	if len(bytes.Trim(line, " \t")) == 0 {
		s.newline, s.indent = f.newline(), string(line)
		if more, ok := strings.CutPrefix(s.indent, f.indentAt(n.Span.Start)); ok && more != "" {
			s.unit = more
		}
	}
	return s
}

// newline returns what ends the file's lines.
func (f *File) newline() string {
	if i := bytes.IndexByte(f.data, '\n'); i > 0 && f.data[i-1] == '\r' {
		return "\r\n"
	}
	return "\n"
}

// indentAt returns the white space that the line of an offset begins with.
func (f *File) indentAt(offset int) string {
	line := f.data[bytes.LastIndexByte(f.data[:offset], '\n')+1:]
	return string(line[:len(line)-len(bytes.TrimLeft(line, " \t"))])
}

// member returns what puts a member behind another one.
func (s style) member(key, value string) string {
	switch {
	case s.block:
		return s.newline + s.indent + s.key(key) + value
	case s.newline != "":
		return "," + s.newline + s.indent + s.key(key) + value
	}
	return "," + s.space() + s.key(key) + value
}

// checkMember is member with a check.
func (s style) checkMember(hc render.ECSHealthCheck) string {
	if !s.block {
		return s.member("healthCheck", s.flow(hc))
	}
	deeper := s.indent + s.unit
	return strings.TrimSuffix(s.member("healthCheck", ""), " ") + s.newline + deeper + s.lines(hc, deeper)
}

// checkInPlace returns what is put in the place of a value.
func (s style) checkInPlace(old *doctree.Node, hc render.ECSHealthCheck) string {
	switch {
	case !s.block:
		return s.flow(hc)
	case !old.Flow && old.Kind == doctree.Map:
		return s.lines(hc, strings.Repeat(" ", old.Pos.Column-1))
	}
	s.newline = ""
	if old.Span.Start == old.Span.End { // there is nothing but the key
		return " " + s.flow(hc)
	}
	return s.flow(hc)
}

// key returns a key of ECS's with its colon.
func (s style) key(name string) string {
	name = cased(name, s.pascal)
	if s.quoteKeys {
		name = quote.JSON(name)
	}
	return name + s.colon
}

// isPascal tells CloudFormation's keys from ECS's.
func isPascal(key string) bool { return key != "" && key[0] >= 'A' && key[0] <= 'Z' }

// cased writes a key of ECS's as CloudFormation's, if it has to be.
func cased(key string, pascal bool) string {
	if pascal {
		return strings.ToUpper(key[:1]) + key[1:]
	}
	return key
}

// space returns what follows commas on a line.
func (s style) space() string { return strings.TrimPrefix(s.colon, ":") }

// flow writes a check in braces.
func (s style) flow(hc render.ECSHealthCheck) string {
	if s.newline == "" {
		return "{" + strings.Join(s.members(hc), ","+s.space()) + "}"
	}
	line := s.newline + s.indent
	return "{" + line + s.unit + strings.Join(s.members(hc), ","+line+s.unit) + line + "}"
}

// lines writes a check's members on lines of their own, the first one without its
// beginning.
func (s style) lines(hc render.ECSHealthCheck, indent string) string {
	return strings.Join(s.members(hc), s.newline+indent)
}

func (s style) members(hc render.ECSHealthCheck) []string {
	var words []string
	for _, word := range hc.Command {
		words = append(words, quote.JSON(word))
	}
	members := []string{s.key("command") + "[" + strings.Join(words, ","+s.space()) + "]"}
	for _, n := range numbers(hc) {
		members = append(members, s.key(n.key)+strconv.Itoa(n.value))
	}
	return members
}

type number struct {
	key   string
	value int
}

func numbers(hc render.ECSHealthCheck) []number {
	return []number{{"interval", hc.Interval}, {"timeout", hc.Timeout}, {"retries", hc.Retries}, {"startPeriod", hc.StartPeriod}}
}

// bareReference matches references that needs no quotes in YAML: the slash keeps one from
// being a number.
var bareReference = regexp.MustCompile(`^[a-zA-Z0-9][-a-zA-Z0-9._:]*/[-a-zA-Z0-9._/:@]*[a-zA-Z0-9]$`)

// quoteLike quotes a reference as the value in whose place it is put.
func (f *File) quoteLike(n *doctree.Node, ref string) string {
	switch old := string(f.data[n.Span.Start:n.Span.End]); {
	case old == "" && f.data[n.Span.Start-1] == ':': // there is nothing but the key
		return " " + quote.JSON(ref)
	case f.isJSON():
		return quote.JSON(ref)
	case strings.HasPrefix(old, "'") && !strings.Contains(ref, "'"):
		return "'" + ref + "'"
	case strings.HasPrefix(old, `"`) || !bareReference.MatchString(ref):
		return quote.JSON(ref)
	}
	return ref
}
