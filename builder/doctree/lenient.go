package doctree

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/tailscale/hujson"
)

// ParseLenient parses as [ParseAll] does, and takes JSON with comments and trailing commas,
// and with Go's templates, {{ … }}: a part of a string is [Open] there, and a value unknown.
func ParseLenient(data []byte) ([]*Node, error) {
	docs, err := ParseAll(data)
	if err == nil || !IsJSON(data) {
		return docs, err
	}
	standard, other := hujson.Standardize(maskTemplates(bytes.TrimPrefix(data, []byte("\uFEFF"))))
	if m := lenientError.FindStringSubmatch(fmt.Sprint(other)); other != nil && m != nil {
		line, _ := strconv.Atoi(m[1])
		column, _ := strconv.Atoi(m[2])
		return nil, &Error{Pos{line, column}, errors.New(m[3])}
	}
	if other != nil {
		return nil, err
	}
	if docs, err = ParseAll(standard); err != nil {
		return nil, err
	}
	for _, doc := range docs {
		unmask(doc)
	}
	return docs, nil
}

// lenientError matches what the library says is wrong.
var lenientError = regexp.MustCompile(`^hujson: line (\d+), column (\d+): (.*)`)

// IsJSON reports whether a file begins like a list or map of JSON's, behind comments.
func IsJSON(data []byte) bool {
	text := comments.ReplaceAll(bytes.TrimPrefix(data, []byte("\uFEFF")), nil)
	return len(text) > 0 && (text[0] == '{' || text[0] == '[')
}

var comments = regexp.MustCompile(`^(\s+|//[^\n]*\n|(?s:/\*.*?\*/))+`)

// Characters that stand for a template, as many as it has, so that all the rest keeps its
// place.
const (
	maskInString = "\uE000"
	maskValue    = "\uE001"
)

// maskTemplates puts characters that no file has in the place of templates.
func maskTemplates(data []byte) []byte {
	var b bytes.Buffer
	quoted := false
	for i := 0; i < len(data); {
		if length := templateLength(data[i:]); length > 0 {
			n := utf8.RuneCount(data[i : i+length])
			if quoted {
				b.WriteString(strings.Repeat(maskInString, n))
			} else {
				b.WriteString(`"` + strings.Repeat(maskValue, n-2) + `"`)
			}
			i += length
			continue
		}
		b.WriteByte(data[i])
		if quoted && data[i] == '\\' && i+1 < len(data) {
			i++
			b.WriteByte(data[i])
		} else if data[i] == '"' {
			quoted = !quoted
		}
		i++
	}
	return b.Bytes()
}

// templateLength returns how long a template is that begins a text, on one line, or 0.
func templateLength(text []byte) int {
	if !bytes.HasPrefix(text, []byte("{{")) {
		return 0
	}
	line, _, _ := bytes.Cut(text, []byte("\n"))
	end := bytes.Index(line, []byte("}}"))
	if end < 0 {
		return 0
	}
	return end + len("}}")
}

var masked = regexp.MustCompile(maskInString + "+")

func unmask(n *Node) {
	if n.Kind == Scalar {
		n.Text = masked.ReplaceAllString(n.Text, Open)
		if strings.HasPrefix(n.Text, maskValue) {
			n.Kind, n.Text = Unknown, ""
		}
	}
	for _, f := range n.Fields {
		unmask(f.Key)
	}
	for _, part := range n.Parts() {
		unmask(part)
	}
}
