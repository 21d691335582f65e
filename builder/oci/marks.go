package oci

import (
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/ko-health/kohealth/builder/health"
)

// Prefixes of the comments of marks, one for each kind of layer.
const (
	ProbeMark     = "health check probe"
	ArgumentsMark = "health check arguments"
	ProgramMark   = "health check program" // of another image
)

// The commands that leave marks. kohealth base leaves one more at the end, without a layer,
// whether it has added layers or not.
const (
	byBuild = "kohealth build"
	byBase  = "kohealth base"
)

// IsMark reports whether an entry of a history is kohealth's.
func IsMark(h v1.History) bool { return h.Author == health.Author }

// FindMark returns the comment of the lowest mark of a kind, or "".
func FindMark(history []v1.History, kind string) string {
	for _, h := range history {
		if IsMark(h) && strings.HasPrefix(h.Comment, kind) {
			return h.Comment
		}
	}
	return ""
}

// mark puts an entry of kohealth's into the history, with the date of the last.
func (i *Image) mark(h v1.History) {
	h.Author, h.Created, h.CreatedBy = health.Author, i.created, i.command
	if n := len(i.history); n > 0 && !i.history[n-1].Created.IsZero() {
		h.Created = i.history[n-1].Created
	}
	i.history = slices.Insert(i.history, i.baseEntries, h)
	i.baseEntries++
}

// MarkBase leaves the mark that [Image.MadeByBase] finds.
func (i *Image) MarkBase() { i.mark(v1.History{Comment: "health check", EmptyLayer: true}) }

// MadeByBase reports whether kohealth base made the image, and nobody has added to it since.
func (i *Image) MadeByBase() bool {
	n := len(i.history)
	return n > 0 && IsMark(i.history[n-1]) && i.history[n-1].CreatedBy == byBase
}

// HasMarks reports whether kohealth has been in the base.
func (i *Image) HasMarks() bool {
	return slices.ContainsFunc(i.history[:i.baseEntries], IsMark)
}

// HasMoreThanProbe reports whether the base has other layers of kohealth's than those of
// the probe.
func (i *Image) HasMoreThanProbe() bool {
	return slices.ContainsFunc(i.history[:i.baseEntries], func(h v1.History) bool {
		return IsMark(h) && !h.EmptyLayer && !strings.HasPrefix(h.Comment, ProbeMark) && !strings.HasPrefix(h.Comment, ArgumentsMark)
	})
}

// DropMarked takes kohealth's layers out of the base, so that they are replaced and never
// stacked. Where the base's history does not match its layers nobody can say which those
// are, and they stay.
func (i *Image) DropMarked() {
	if countLayers(i.history[:i.baseEntries]) != i.baseLayers {
		return
	}
	layer := i.baseLayers
	for n := i.baseEntries - 1; n >= 0; n-- {
		if !i.history[n].EmptyLayer {
			layer--
		}
		if !IsMark(i.history[n]) {
			continue
		}
		if !i.history[n].EmptyLayer {
			i.layers = slices.Delete(i.layers, layer, layer+1)
			i.descs = slices.Delete(i.descs, layer, layer+1)
			i.diffIDs = slices.Delete(i.diffIDs, layer, layer+1)
			i.baseLayers--
		}
		i.history = slices.Delete(i.history, n, n+1)
		i.baseEntries--
	}
}
