package kofile

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/ko-health/kohealth/builder/doctree"
	"github.com/ko-health/kohealth/builder/health"
	"github.com/ko-health/kohealth/builder/quote"
)

// An edit puts text in the place of some bytes.
type edit struct {
	doctree.Span
	text string
}

// A writer makes the edit that sets a test.
type writer struct {
	data    []byte
	newline string
	test    health.Test
}

func (w *writer) edit(root *doctree.Node, at Place) (edit, error) {
	switch {
	case root.Kind != doctree.Map && root.Given():
		return edit{}, cannot(errors.New("the file is no map"))
	case at.ID != "":
		return w.addEntry(root, at)
	case at.Entry != Top:
		entries := root.Get("builds").List()
		if at.Entry >= len(entries) || entries[at.Entry].Kind != doctree.Map {
			return edit{}, cannot(errors.New("there is no such entry in builds"))
		}
		return w.set(entries[at.Entry], w.insertInEntry)
	}
	return w.set(root, w.insertAtEnd)
}

// set changes the check of a map, or has insert add one.
func (w *writer) set(n *doctree.Node, insert func(*doctree.Node) (edit, error)) (edit, error) {
	field := find(n, "healthcheck")
	if field == nil {
		return insert(n)
	}
	check := field.Value
	if test := find(check, "test"); test != nil {
		if !test.Value.Span.Known() || test.Value.Span.Start == test.Value.Span.End {
			return edit{}, cannot(errors.New("the test that is there is not on one line"))
		}
		return edit{test.Value.Span, w.value(n.Flow || check.Flow)}, nil
	}
	switch {
	case check.Kind != doctree.Map || len(check.Fields) == 0 || !check.Fields[0].Key.Span.Known():
		return edit{}, cannot(errors.New("healthcheck is no map that can be added to"))
	case check.Flow:
		return insertAt(check.Span.Start+1, `"test": `+w.value(true)+", "), nil
	}
	first := check.Fields[0].Key
	return insertAt(first.Span.Start, "test: "+w.value(false)+w.newline+spaces(first.Pos)), nil
}

// find returns the field of a key, whatever its case, or nil. Of equal keys the last
// counts, as for ko.
func find(n *doctree.Node, key string) *doctree.Field {
	for i := len(n.Fields) - 1; i >= 0; i-- {
		if strings.EqualFold(n.Fields[i].Key.Text, key) {
			return &n.Fields[i]
		}
	}
	return nil
}

func insertAt(offset int, text string) edit {
	return edit{doctree.Span{Start: offset, End: offset}, text}
}

func spaces(pos doctree.Pos) string { return strings.Repeat(" ", pos.Column-1) }

// insertAtEnd adds a check for all images.
func (w *writer) insertAtEnd(root *doctree.Node) (edit, error) {
	if root.Flow {
		return w.insertInBraces(root)
	}
	return w.appendLines("healthcheck:", "  test: "+w.value(false))
}

// documentMark begins or ends a document of several.
var documentMark = regexp.MustCompile(`(?m)^(---|\.\.\.)([ \t\r]|$)`)

// appendLines adds lines at the end of the file.
func (w *writer) appendLines(lines ...string) (edit, error) {
	if marks := documentMark.FindAllIndex(w.data, -1); len(marks) > 1 || len(marks) == 1 && len(bytes.TrimSpace(w.data[:marks[0][0]])) > 0 {
		return edit{}, cannot(errors.New("the file holds several documents"))
	}
	text := strings.Join(lines, w.newline) + w.newline
	if len(w.data) > 0 && !bytes.HasSuffix(w.data, []byte("\n")) {
		text = w.newline + text
	}
	return insertAt(len(w.data), text), nil
}

// insertInEntry adds a check behind the line of an entry that says what it is for.
func (w *writer) insertInEntry(n *doctree.Node) (edit, error) {
	if n.Flow {
		return w.insertInBraces(n)
	}
	for _, key := range []string{"main", "id", "dir"} {
		field := find(n, key)
		if field == nil || field.Value.Kind != doctree.Scalar || !field.Value.Span.Known() || !field.Key.Span.Known() {
			continue
		}
		end := field.Value.Span.End
		if i := bytes.IndexAny(w.data[end:], "\r\n"); i >= 0 {
			end += i
		} else {
			end = len(w.data)
		}
		indent := w.newline + spaces(field.Key.Pos)
		return insertAt(end, indent+"healthcheck:"+indent+"  test: "+w.value(false)), nil
	}
	return edit{}, cannot(errors.New("the entry in builds has neither main nor id on a line"))
}

func (w *writer) insertInBraces(n *doctree.Node) (edit, error) {
	if !n.Span.Known() || w.data[n.Span.Start] != '{' {
		return edit{}, cannot(errors.New("the map has a tag or an anchor"))
	}
	text := `"healthcheck": {"test": ` + w.value(true) + "}"
	if len(n.Fields) > 0 {
		text += ", "
	}
	return insertAt(n.Span.Start+1, text), nil
}

// A field is one of those that say what an entry of builds is for.
type field struct{ key, value string }

// fields returns those of an entry that is to be added, the ID first.
func (p Place) fields() []field {
	all := []field{{"id", p.ID}, {"dir", p.Dir}, {"main", p.Main}}
	return slices.DeleteFunc(all, func(f field) bool { return f.value == "" })
}

// addEntry adds an entry with a check to builds.
func (w *writer) addEntry(root *doctree.Node, at Place) (edit, error) {
	var lines []string
	for i, f := range at.fields() {
		mark := "  "
		if i == 0 {
			mark = "- "
		}
		lines = append(lines, mark+f.key+": "+scalar(f.value))
	}
	lines = append(lines, "  healthcheck:", "    test: "+w.value(false))
	builds := find(root, "builds")
	if builds == nil {
		if root.Flow {
			return edit{}, cannot(errors.New("the file is written in braces"))
		}
		return w.appendLines(append([]string{"builds:"}, lines...)...)
	}
	items := builds.Value.List()
	if len(items) == 0 || builds.Value.Flow || !builds.Value.Span.Known() {
		return edit{}, cannot(errors.New("builds is no list of lines"))
	}
	indent := spaces(builds.Value.Pos)
	end := w.endOfBlock(builds.Value.Span.Start, len(indent))
	text := indent + strings.Join(lines, w.newline+indent) + w.newline
	if end > 0 && w.data[end-1] != '\n' {
		text = w.newline + text
	}
	return insertAt(end, text), nil
}

// endOfBlock returns where the lines of a list end that begins at start, with dashes in
// a column. Comments and empty lines behind the last item are what follows.
func (w *writer) endOfBlock(start, column int) int {
	end, at := start, start
	for line := range bytes.Lines(w.data[start:]) {
		text := bytes.TrimLeft(line, " ")
		indent := len(line) - len(text)
		if at == start {
			indent = column
		}
		blank := len(bytes.TrimSpace(text)) == 0 || text[0] == '#'
		if !blank && (indent < column || indent == column && text[0] != '-') {
			break
		}
		at += len(line)
		if !blank {
			end = at
		}
	}
	return end
}

// value returns the test as YAML, for within braces or not.
func (w *writer) value(flow bool) string {
	text := w.test.String()
	if strings.HasPrefix(text, "[") { // a list, as JSON is YAML
		return text
	}
	if flow {
		return quote.JSON(text)
	}
	return scalar(text)
}

// bare matches text that YAML takes for a string without quotes: a path, a word, or a
// target.
var bare = regexp.MustCompile(`^(\.{0,2}/|[A-Za-z])[A-Za-z0-9_./@:${}?=&+-]*$`)

// scalar returns a text as YAML, in quotes where it needs some.
func scalar(text string) string {
	if bare.MatchString(text) && !strings.HasSuffix(text, ":") && !isWord(text) {
		return text
	}
	return quote.JSON(text)
}

// isWord reports whether YAML takes a text for something else than a string.
func isWord(text string) bool {
	switch strings.ToLower(text) {
	case "true", "false", "yes", "no", "on", "off", "y", "n", "null":
		return true
	}
	return false
}

// with returns what the values of a file are to be when the test is set.
func with(file map[string]any, at Place, test health.Test) (map[string]any, error) {
	if file == nil {
		file = map[string]any{}
	}
	target := file
	if at.ID != "" || at.Entry != Top {
		key, err := keyOf(file, "builds")
		if err != nil {
			return nil, err
		}
		list, _ := file[key].([]any)
		if at.ID != "" {
			entry := map[string]any{}
			for _, f := range at.fields() {
				entry[f.key] = f.value
			}
			list = append(list, entry)
			at.Entry = len(list) - 1
		}
		if at.Entry >= len(list) {
			return nil, errors.New("there is no such entry in builds")
		}
		file[key] = list
		var ok bool
		if target, ok = list[at.Entry].(map[string]any); !ok {
			return nil, errors.New("the entry in builds has keys that are no words")
		}
	}
	key, err := keyOf(target, "healthcheck")
	if err != nil {
		return nil, err
	}
	check, _ := target[key].(map[string]any)
	if check == nil {
		check = map[string]any{}
	}
	check["test"] = test.String()
	if list := listOf(test); list != nil {
		check["test"] = list
	}
	target[key] = check
	return file, nil
}

// listOf returns the list that a test is written as, or nil.
func listOf(test health.Test) (list []any) {
	var words []string
	if text := test.String(); strings.HasPrefix(text, "[") && json.Unmarshal([]byte(text), &words) == nil {
		for _, word := range words {
			list = append(list, word)
		}
	}
	return list
}

// keyOf returns the key of a map as it is written there.
func keyOf(m map[string]any, key string) (string, error) {
	var written []string
	for k := range m {
		if strings.EqualFold(k, key) {
			written = append(written, k)
		}
	}
	switch len(written) {
	case 0:
		return key, nil
	case 1:
		return written[0], nil
	}
	return "", fmt.Errorf("%s is there more than once", key)
}
