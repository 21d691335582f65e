// Package walk finds the files of a directory that somebody wants to look at: by their
// names, without opening any, and without what git ignores.
package walk

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/go-git/go-git/v5/plumbing/format/gitignore"

	"github.com/ko-health/kohealth/builder/limits"
)

// Files returns the regular files below a directory whose names match one of the patterns
// of [path.Match], in lexical order, with the directory's name before theirs. It leaves out
// what .gitignore files say there, in the directories above it up to the repository's, and in
// .git/info/exclude. Links are not followed.
func Files(dir string, patterns []string) ([]string, error) {
	root, below, err := repository(dir)
	if err != nil {
		return nil, fmt.Errorf("finding files of %q: %w", dir, err)
	}
	w := &walker{fsys: os.DirFS(root), patterns: patterns}
	found, err := w.walk(below)
	if err != nil {
		return nil, fmt.Errorf("finding files of %q: %w", dir, err)
	}
	for i, name := range found {
		found[i] = filepath.Join(dir, filepath.FromSlash(strings.TrimPrefix(name, below+"/")))
	}
	return found, nil
}

// repository returns the directory with .git that a directory is in, or else that itself,
// and the way down from there, as in "a/b" or ".".
func repository(dir string) (root, below string, err error) {
	full, err := filepath.Abs(dir)
	if err == nil {
		full, err = filepath.EvalSymlinks(full)
	}
	if err != nil {
		return "", "", err
	}
	for top := full; ; top = filepath.Dir(top) {
		if _, err := os.Lstat(filepath.Join(top, ".git")); err == nil {
			below, err := filepath.Rel(top, full)
			return top, filepath.ToSlash(below), err
		}
		if top == filepath.Dir(top) {
			return full, ".", nil
		}
	}
}

// A walker goes through the directory of a repository.
type walker struct {
	fsys     fs.FS
	patterns []string
	ignore   []gitignore.Pattern // of what is walked through, those that count more last
	seen     int64
}

func (w *walker) walk(below string) (found []string, err error) {
	if err := w.read(".git/info/exclude", nil); err != nil {
		return nil, err
	}
	for at := ""; below != "."; { // the directories above
		if err := w.read(path.Join(at, ".gitignore"), parts(at)); err != nil {
			return nil, err
		}
		next, _, more := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(below, at), "/"), "/")
		if at = path.Join(at, next); !more {
			break
		}
	}
	err = fs.WalkDir(w.fsys, below, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if w.seen++; limits.Walked.Check(w.seen) != nil {
			return limits.Walked.Exceeded()
		}
		switch {
		case d.IsDir() && name != below && (d.Name() == ".git" || w.isIgnored(name, true)):
			return fs.SkipDir
		case d.IsDir():
			return w.read(path.Join(name, ".gitignore"), parts(name))
		case d.Type().IsRegular() && w.matches(d.Name()) && !w.isIgnored(name, false):
			found = append(found, name)
		}
		return nil
	})
	return found, err
}

func (w *walker) matches(name string) bool {
	return slices.ContainsFunc(w.patterns, func(pattern string) bool {
		ok, err := path.Match(pattern, name)
		return ok && err == nil
	})
}

func (w *walker) isIgnored(name string, isDir bool) bool {
	return gitignore.NewMatcher(w.ignore).Match(parts(name), isDir)
}

// parts splits a name as gitignore wants it.
func parts(name string) []string {
	if name == "." || name == "" {
		return nil
	}
	return strings.Split(name, "/")
}

// read adds the patterns of a file, which hold in a directory. There need not be one.
func (w *walker) read(name string, dir []string) error {
	f, err := w.fsys.Open(name)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrInvalid) || errors.Is(err, syscall.ENOTDIR) { // .git is a file in a worktree
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return err
	}
	data, err := limits.Document.ReadAll(f)
	if err != nil {
		return fmt.Errorf("reading %q: %w", name, err)
	}
	for line := range bytes.Lines(bytes.TrimPrefix(data, []byte("\uFEFF"))) {
		if text := clean(string(line)); text != "" {
			w.ignore = append(w.ignore, gitignore.ParsePattern(text, dir))
		}
	}
	return nil
}

// clean returns a line without its end, and nothing for a comment. Spaces at the end count
// only behind a backslash.
//
// https://git-scm.com/docs/gitignore#_pattern_format
func clean(line string) string {
	line = strings.TrimRight(line, "\r\n")
	if strings.HasPrefix(line, "#") {
		return ""
	}
	trimmed := strings.TrimRight(line, " ")
	if strings.HasSuffix(trimmed, `\`) && len(trimmed) < len(line) {
		trimmed += " "
	}
	return trimmed
}
