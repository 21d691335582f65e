package kocompat

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/ko-health/kohealth/layers/cache"
)

// ko believes what is in its cache: a bit that has flipped on the disk ships. So
// kohealth keeps the digests of an entry's files beside them, in a file of this name, and
// ko finds only entries whose files are those.
const digestsName = "kohealth.digests"

// A digests holds the digests of the files in a directory, by their names.
type digests map[string]string

// A checkedPrograms holds the digests of programs that were checked, by their paths and build
// IDs. To digest them is most of the work, and a program that go leaves as it is has the
// same build ID afterwards.
type checkedPrograms map[[2]string]string

// checkEntries removes every entry, a directory with files, in a directory of ko's cache
// and below it whose files are not those that were recorded. It reports whether all were,
// and returns the programs. An entry that cannot be removed is an error: ko must not find
// it.
func checkEntries(root string) (whole bool, checked checkedPrograms, err error) {
	whole, checked = true, checkedPrograms{}
	err = forEachEntry(root, func(dir string) error {
		recorded, err := readDigests(dir)
		if err == nil {
			var found digests
			if found, err = digestsOf(dir, nil); err == nil && maps.Equal(found, recorded) {
				checked.add(dir, found)
				return nil
			}
		}
		whole = false
		return os.RemoveAll(dir)
	})
	return whole, checked, err
}

func (p checkedPrograms) add(dir string, d digests) {
	for name, sum := range d {
		path := filepath.Join(dir, name)
		if id, err := buildID(path); err == nil {
			p[[2]string{path, id}] = sum
		}
	}
}

// recordEntries records what ko has written in a directory of its cache, and used, but
// for the programs that are as they were checked.
func recordEntries(root string, checked checkedPrograms) error {
	return forEachEntry(root, func(dir string) error {
		found, err := digestsOf(dir, checked)
		if err != nil {
			return err
		}
		if recorded, err := readDigests(dir); err == nil && maps.Equal(found, recorded) {
			return nil
		}
		data, err := json.Marshal(found)
		if err != nil {
			return err
		}
		return cache.WriteFile(filepath.Join(dir, digestsName), data)
	})
}

// forEachEntry calls do for each directory that holds files. What is gone meanwhile is
// passed over.
func forEachEntry(root string, do func(dir string) error) error {
	entries, err := os.ReadDir(root)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return !e.IsDir() }) {
		err = do(root)
	}
	for _, e := range entries {
		if e.IsDir() {
			err = errors.Join(err, forEachEntry(filepath.Join(root, e.Name()), do))
		}
	}
	return err
}

func readDigests(dir string) (d digests, err error) {
	data, err := os.ReadFile(filepath.Join(dir, digestsName))
	if err != nil {
		return nil, err
	}
	return d, json.Unmarshal(data, &d)
}

func digestsOf(dir string, checked checkedPrograms) (digests, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	d := digests{}
	for _, e := range entries {
		if e.IsDir() || e.Name() == digestsName {
			continue
		}
		if d[e.Name()], err = checked.sumOf(filepath.Join(dir, e.Name())); err != nil {
			return nil, err
		}
	}
	return d, nil
}

func (p checkedPrograms) sumOf(path string) (string, error) {
	if len(p) > 0 {
		if id, err := buildID(path); err == nil && p[[2]string{path, id}] != "" {
			return p[[2]string{path, id}], nil
		}
	}
	return sumOf(path)
}

func sumOf(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.CopyBuffer(h, struct{ io.Reader }{f}, make([]byte, 256<<10)); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
