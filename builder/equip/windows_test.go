package equip

import (
	"errors"
	"io"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/ko-health/kohealth/builder/health"
)

var windows = v1.Platform{OS: "windows", Architecture: "amd64"}

// An unread layer is one that nobody may look into.
type unread struct{ v1.Layer }

func (unread) Uncompressed() (io.ReadCloser, error) { return nil, errors.New("the base was read") }
func (unread) Compressed() (io.ReadCloser, error)   { return nil, errors.New("the base was read") }

// A windowsBase is an image for Windows with a layer that nobody may look into.
type windowsBase struct{ v1.Image }

func (b windowsBase) Layers() ([]v1.Layer, error) {
	all, err := b.Image.Layers()
	for i := range all {
		all[i] = unread{all[i]}
	}
	return all, err
}

// TestEquipWindows checks what images for Windows get, whose base is never read: it may have
// gigabytes.
func TestEquipWindows(t *testing.T) {
	program := &Program{Image: "x", Path: "/x"}
	for _, tt := range []struct {
		keys    []string
		program *Program
		err     string
		probe   bool
	}{
		{[]string{"test", "tcp://:80"}, nil, "", true},
		{[]string{"test", `["CMD","healthcheck"]`}, nil, "no arguments", false},
		{[]string{"test", `["CMD","C:\\app.exe","check"]`}, nil, "", false},
		{[]string{"test", "tcp://:80", "packages", "curl"}, nil, "Wolfi has none", false},
		{[]string{"test", "tcp://:80"}, program, "for Linux only", false},
	} {
		img := read(t, windowsBase{imageFor(t, windows)})
		r := newRig()
		r.Program = tt.program
		got, err := r.Equip(t.Context(), img, windows, check(t, tt.keys...))
		if tt.err == "" && err != nil || tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)) {
			t.Errorf("%v: error %v, want %q", tt.keys, err, tt.err)
		}
		if (got.ProbeAt == health.WindowsProbePath) != tt.probe {
			t.Errorf("%v: the probe is at %q", tt.keys, got.ProbeAt)
		}
	}
	r, failed := newRig(), errors.New("no Go")
	r.Compiler = compiler{failed}
	if _, err := r.Equip(t.Context(), read(t, imageFor(t, windows)), windows, check(t, "test", "tcp://:80")); !errors.Is(err, failed) {
		t.Errorf("error %v, want the compiler's", err)
	}
}
