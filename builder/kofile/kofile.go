// Package kofile writes health checks into a .ko.yaml. All else in the file stays as it
// is, to the byte.
package kofile

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/ko-health/kohealth/builder/doctree"
	"github.com/ko-health/kohealth/builder/health"
	"github.com/ko-health/kohealth/builder/hint"
)

// Top is the place of a check for all images.
const Top = -1

// A Place says which images a check is for.
type Place struct {
	Entry int    // index in builds[], or Top
	ID    string // of an entry that is to be added to builds[]; with an ID, Entry means nothing
	Dir   string // its module's directory; "" is the file's own
	Main  string // its main package's directory in that; "" is the directory itself
}

// Entry returns the index of the entry of builds[] for the main package in a directory,
// or Top if there is none, as ko finds it: dir is where ko runs.
func Entry(file health.File, dir, mainDir string) int {
	for i, b := range slices.Backward(file.Builds()) { // ko, too, lets the last one win
		main := filepath.Join(dir, b.Dir, b.Main)
		if info, err := os.Stat(main); err == nil && info.Mode().IsRegular() {
			main = filepath.Dir(main)
		}
		if sameDir(main, mainDir) {
			return i
		}
	}
	return Top
}

func sameDir(a, b string) bool {
	x, err := os.Stat(a)
	if err != nil {
		return false
	}
	y, err := os.Stat(b)
	return err == nil && os.SameFile(x, y)
}

// Set returns the file with a test for the images of a place, instead of the test that is
// there. It returns an error if it would have to change more than that.
func Set(data []byte, at Place, test health.Test) ([]byte, error) {
	mark, text := cutMark(data)
	root, err := doctree.Parse(text)
	if err != nil {
		return nil, err
	}
	at = at.lastEqual(text)
	w := &writer{data: text, newline: "\n", test: test}
	if i := bytes.IndexByte(text, '\n'); i > 0 && text[i-1] == '\r' {
		w.newline = "\r\n"
	}
	edit, err := w.edit(root, at)
	if err != nil {
		return nil, err
	}
	out := slices.Concat(mark, text[:edit.Start], []byte(edit.text), text[edit.End:])
	return out, verify(data, out, at, test)
}

// lastEqual returns the entry that ko takes where several are equal: the last.
func (p Place) lastEqual(data []byte) Place {
	file, err := health.ParseFile("", data)
	builds := file.Builds()
	if err != nil || p.ID != "" || p.Entry == Top || p.Entry >= len(builds) {
		return p
	}
	for i, id := range builds {
		if id == builds[p.Entry] {
			p.Entry = i
		}
	}
	return p
}

func cutMark(data []byte) (mark, text []byte) {
	if text, ok := bytes.CutPrefix(data, []byte("\uFEFF")); ok {
		return data[:len(data)-len(text)], text
	}
	return nil, data
}

// verify checks that a file has become what it was to become: the libraries that will
// read it find the test, and everything else as it was.
func verify(before, after []byte, at Place, test health.Test) error {
	var want, got map[string]any
	err := errors.Join(yaml.Unmarshal(before, &want), yaml.Unmarshal(after, &got))
	if err == nil {
		_, err = health.ParseFile("the result", after)
	}
	if err == nil {
		want, err = with(want, at, test)
	}
	if err != nil {
		return cannot(err)
	}
	a, errA := yaml.Marshal(want)
	b, errB := yaml.Marshal(got)
	if err := errors.Join(errA, errB); err != nil {
		return cannot(err)
	}
	if !bytes.Equal(a, b) {
		return cannot(errors.New("more than the check would change"))
	}
	return nil
}

// cannot says that a file has to be changed by hand.
func cannot(err error) error {
	return hint.With(fmt.Errorf("writing the check: %w", err),
		"write the check by hand: test, below healthcheck, as https://github.com/ko-health/kohealth/blob/main/docs/configuration.md shows")
}
