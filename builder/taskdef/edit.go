package taskdef

import (
	"bytes"
	"cmp"
	"errors"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/ko-health/kohealth/builder/doctree"
	"github.com/ko-health/kohealth/builder/hint"
	"github.com/ko-health/kohealth/builder/quote"
	"github.com/ko-health/kohealth/builder/render"
)

// A Change says what a container is to have.
type Change struct {
	*Container
	Image string
	Check *render.ECSHealthCheck // nil leaves the container's, if there is one
}

// Edited is a file with changes.
type Edited struct {
	Data  []byte
	from  *File
	edits []edit
}

// An edit puts text in the place of some bytes.
type edit struct {
	doctree.Span
	text string
}

// Edit returns the file with the changes, and all else as it is.
func (f *File) Edit(changes []Change) (*Edited, error) {
	e := &Edited{from: f}
	for _, c := range changes {
		edits, err := f.edits(c)
		if err != nil {
			return nil, err
		}
		e.edits = append(e.edits, edits...)
	}
	e.Data = append(slices.Clone(f.mark), apply(f.data, e.edits)...)
	if err := f.verify(e.Data, changes); err != nil {
		return nil, err
	}
	return e, nil
}

// apply returns data with the edits made, which it puts in order.
func apply(data []byte, edits []edit) (out []byte) {
	slices.SortStableFunc(edits, func(a, b edit) int { return cmp.Compare(a.Start, b.Start) })
	at := 0
	for _, edit := range edits {
		out = append(append(out, data[at:edit.Start]...), edit.text...)
		at = edit.End
	}
	return append(out, data[at:]...)
}

// edits returns what a change replaces: values that are there, and the nothing behind
// the image, or else the name, where new keys come.
func (f *File) edits(c Change) (edits []edit, err error) {
	image, check := c.field("image"), c.field("healthCheck")
	before := cmp.Or(image, c.field("name"))
	if !before.Key.Span.Known() || !before.Value.Span.Known() {
		return nil, cannotEdit(before.Value.At(c.node))
	}
	s := f.style(c.node, before)
	var added string
	if image == nil {
		added = s.member("image", quote.JSON(c.Image))
	} else {
		edits = append(edits, edit{image.Value.Span, f.quoteLike(image.Value, c.Image)})
	}
	switch {
	case c.Check == nil:
	case check == nil:
		added += s.checkMember(*c.Check)
	case !check.Key.Span.Known() || !check.Value.Span.Known():
		return nil, cannotEdit(check.Value.At(c.node))
	default:
		edits = append(edits, edit{check.Value.Span, f.style(c.node, check).checkInPlace(check.Value, *c.Check)})
	}
	if added != "" {
		end := before.Value.Span.End
		if s.block {
			end = f.lineEnd(end)
		}
		edits = append(edits, edit{doctree.Span{Start: end, End: end}, added})
	}
	return edits, nil
}

func cannotEdit(pos doctree.Pos) error {
	return hint.With(&doctree.Error{Pos: pos, Err: errors.New("cannot edit this value in place")},
		"write the container out: no anchors, aliases and tags, and the image on one line")
}

// field returns the container's field of a key, or nil.
func (c *Container) field(key string) *doctree.Field {
	if i := find(c.node, key); i >= 0 {
		return &c.node.Fields[i]
	}
	return nil
}

// find returns which field has a key, whatever its case, or -1. Of equal keys the last
// counts, as for [doctree.Node.Get].
func find(n *doctree.Node, key string) int {
	for i := len(n.Fields) - 1; i >= 0; i-- {
		if strings.EqualFold(n.Fields[i].Key.Text, key) {
			return i
		}
	}
	return -1
}

// lineEnd returns where the line of an offset ends, before the line break.
func (f *File) lineEnd(offset int) int {
	if length := bytes.IndexAny(f.data[offset:], "\r\n"); length >= 0 {
		return offset + length
	}
	return len(f.data)
}

// Origin returns which place of the file a place of the edited one comes from. What
// was put in comes from where it was put.
func (e *Edited) Origin(pos doctree.Pos) doctree.Pos {
	if pos == (doctree.Pos{}) {
		return pos
	}
	data := bytes.TrimPrefix(e.Data, e.from.mark)
	offset, shift := offsetOf(data, pos), 0
	for _, edit := range e.edits {
		begin := edit.Start + shift
		if offset < begin {
			break
		}
		if offset < begin+len(edit.text) {
			return posOf(e.from.data, edit.Start)
		}
		shift += len(edit.text) - (edit.End - edit.Start)
	}
	return posOf(e.from.data, offset-shift)
}

func offsetOf(data []byte, pos doctree.Pos) int {
	offset := 0
	for range pos.Line - 1 {
		offset += bytes.IndexByte(data[offset:], '\n') + 1
	}
	for range pos.Column - 1 {
		_, size := utf8.DecodeRune(data[offset:])
		offset += size
	}
	return offset
}

func posOf(data []byte, offset int) doctree.Pos {
	before := data[:offset]
	return doctree.Pos{
		Line:   bytes.Count(before, []byte("\n")) + 1,
		Column: utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:]) + 1,
	}
}
