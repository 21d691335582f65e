package builder

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"

	"github.com/ko-health/kohealth/builder/health"
	"github.com/ko-health/kohealth/builder/verified"
)

// A stack holds what says, in manifest and config, which layers an image has, taken
// apart where the base ends and ko's layers begin.
type stack struct {
	layers  []v1.Layer
	descs   []v1.Descriptor // of the layers
	diffIDs []v1.Hash       // of the layers
	history []v1.History
	koLayer int // index of ko's first layer
	koEntry int // index of ko's first history entry

	command string  // what adds layers
	created v1.Time // when the image was, for a history that does not say it
}

// newStack takes apart an image that ko emitted.
func newStack(img v1.Image) (*stack, error) {
	s, err := readStack(img)
	if err != nil {
		return nil, err
	}
	s.command = "kohealth build"
	return s, s.findKo()
}

// AppLayers returns the layers that ko has made, lowest first, of an image as ko's builder
// has just returned it: ko appends its layers, and entries for them, to those of the base, so
// that whatever a base says of itself comes before. Of an image that was read from somewhere
// it says nothing.
func AppLayers(img v1.Image) ([]v1.Layer, error) {
	s, err := newStack(img)
	if err != nil {
		return nil, err
	}
	return s.layers[s.koLayer:], nil
}

func readStack(img v1.Image) (*stack, error) {
	layers, err := img.Layers()
	if err != nil {
		return nil, fmt.Errorf("reading layers: %w", err)
	}
	m, err := img.Manifest()
	if err != nil {
		return nil, fmt.Errorf("reading manifest: %w", err)
	}
	cf, err := img.ConfigFile()
	if err != nil {
		return nil, fmt.Errorf("reading image config: %w", err)
	}
	s := &stack{layers: slices.Clone(layers), descs: m.Layers, diffIDs: cf.RootFS.DiffIDs, history: cf.History, created: cf.Created}
	if len(s.descs) != len(s.layers) || len(s.diffIDs) != len(s.layers) {
		return nil, fmt.Errorf("reading layers: manifest has %d, config %d", len(s.descs), len(s.diffIDs))
	}
	return s, s.matchManifest(img)
}

// matchManifest takes the layers that the manifest names. go-containerregistry's mutate
// goes by the diff_ids that the config claims, and so takes one layer for another where
// they claim the same.
func (s *stack) matchManifest(img v1.Image) error {
	for i, desc := range s.descs {
		digest, err := s.layers[i].Digest()
		if err != nil {
			return fmt.Errorf("reading layers: %w", err)
		}
		if digest == desc.Digest {
			continue
		}
		if s.layers[i], err = img.LayerByDigest(desc.Digest); err != nil {
			return fmt.Errorf("reading layers: %w", err)
		}
	}
	return nil
}

// findKo finds where ko's own layers begin: at the last kodata layer, which ko puts
// first. What is before it belongs to the base, even if ko made that, too. Layers
// are counted from the top, because a base's history may be incomplete.
func (s *stack) findKo() error {
	for i, h := range slices.Backward(s.history) {
		if h.Author == "ko" && strings.HasPrefix(h.Comment, "kodata contents") {
			s.koEntry, s.koLayer = i, len(s.layers)-countLayers(s.history[i:])
			if s.koLayer < 0 {
				break
			}
			return nil
		}
	}
	return errors.New("finding ko's layers: no entry of ko's in the image's history")
}

func countLayers(history []v1.History) (n int) {
	for _, h := range history {
		if !h.EmptyLayer {
			n++
		}
	}
	return n
}

// hasOurs tells whether the base carries layers of kohealth's.
func (s *stack) hasOurs() bool {
	return slices.ContainsFunc(s.history[:s.koEntry], isOurs)
}

func isOurs(h v1.History) bool { return h.Author == health.Author }

// dropOurs takes kohealth's layers out of the base, so that they are replaced and
// never stacked. Where the base's history does not match its layers nobody can say
// which those are, and they stay.
func (s *stack) dropOurs() {
	if countLayers(s.history[:s.koEntry]) != s.koLayer {
		return
	}
	layer := s.koLayer
	for i := s.koEntry - 1; i >= 0; i-- {
		if !s.history[i].EmptyLayer {
			layer--
		}
		if !isOurs(s.history[i]) {
			continue
		}
		if !s.history[i].EmptyLayer {
			s.layers = slices.Delete(s.layers, layer, layer+1)
			s.descs = slices.Delete(s.descs, layer, layer+1)
			s.diffIDs = slices.Delete(s.diffIDs, layer, layer+1)
			s.koLayer--
		}
		s.history = slices.Delete(s.history, i, i+1)
		s.koEntry--
	}
}

// base returns the base's layers, lowest first, to be read as what the config claims.
func (s *stack) base() (layers []v1.Layer) {
	for i, l := range s.layers[:s.koLayer] {
		layers = append(layers, verified.LayerAs(l, s.diffIDs[i]))
	}
	return layers
}

// insert puts a layer between the base and ko's layers, above those inserted
// before.
func (s *stack) insert(l v1.Layer, comment string) error {
	desc, err := partial.Descriptor(l)
	if err != nil {
		return fmt.Errorf("describing layer: %w", err)
	}
	diffID, err := l.DiffID()
	if err != nil {
		return fmt.Errorf("describing layer: %w", err)
	}
	s.layers = slices.Insert(s.layers, s.koLayer, l)
	s.descs = slices.Insert(s.descs, s.koLayer, *desc)
	s.diffIDs = slices.Insert(s.diffIDs, s.koLayer, diffID)
	s.koLayer++
	s.note(v1.History{Comment: comment})
	return nil
}

// note puts an entry of kohealth's into the history, with the date of the last.
func (s *stack) note(h v1.History) {
	h.Author, h.Created, h.CreatedBy = health.Author, s.created, s.command
	if n := len(s.history); n > 0 && !s.history[n-1].Created.IsZero() {
		h.Created = s.history[n-1].Created
	}
	s.history = slices.Insert(s.history, s.koEntry, h)
	s.koEntry++
}
