// Package files reads and writes the files that a user names, says in errors which file is
// meant, and knows where the user's cache is.
package files

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"os"
	"path/filepath"

	"github.com/ko-health/kohealth/builder/doctree"
	"github.com/ko-health/kohealth/builder/escape"
	"github.com/ko-health/kohealth/builder/limits"
	"github.com/ko-health/kohealth/cmd/kohealth/internal/term"
	"github.com/ko-health/kohealth/layers/cache"
)

// ConfigFile returns the .ko.yaml that ko reads, or "" if there is none: the file, or
// the file in the directory, that KO_CONFIG_PATH names, else the one in dir.
func ConfigFile(dir string) string {
	if p := os.Getenv("KO_CONFIG_PATH"); p != "" {
		if info, err := os.Stat(p); err == nil && info.IsDir() {
			return filepath.Join(p, ".ko.yaml")
		}
		return p
	}
	for _, name := range []string{".ko.json", ".ko.yaml", ".ko.yml"} {
		if info, err := os.Stat(filepath.Join(dir, name)); err == nil && !info.IsDir() {
			return filepath.Join(dir, name)
		}
	}
	return ""
}

// NoteUnread tells of a .ko.yaml above dir that people may expect to be read: ko looks
// into the working directory alone, and takes the directories in builds from there, too.
func NoteUnread(dir string) {
	if ConfigFile(dir) != "" {
		return
	}
	for up := dir; !holds(up, "go.mod") && !holds(up, ".git"); {
		next := filepath.Join(up, "..")
		if abs, err := filepath.Abs(next); err != nil || abs == filepath.Dir(abs) {
			return
		}
		if file := ConfigFile(next); file != "" {
			up := filepath.ToSlash(next)
			log.Printf("note: %s is not read here: ko reads the .ko.yaml of the working directory: run kohealth in %s, or set KO_CONFIG_PATH=%s if it has no builds",
				filepath.ToSlash(file), up, up)
			return
		}
		up = next
	}
}

func holds(dir, name string) bool {
	_, err := os.Stat(filepath.Join(dir, name))
	return err == nil
}

// ReadDefinition reads a file, or standard input for "-".
func ReadDefinition(in io.Reader, name string) ([]byte, error) {
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, fmt.Errorf("reading file: %w", err)
		}
		defer f.Close()
		in = f
	}
	data, err := limits.Documents.ReadAll(in)
	if err != nil {
		return nil, fmt.Errorf("reading file: %w", err)
	}
	return data, nil
}

// Writable refuses a file that cannot be written whole or not at all. It returns what
// is written if the file is a link, which stays.
func Writable(flag, file string) (string, error) {
	if file == "" {
		return "", nil
	}
	if target, err := filepath.EvalSymlinks(file); err == nil {
		file = target
	}
	if info, err := os.Stat(file); err == nil && !info.Mode().IsRegular() {
		return "", fmt.Errorf("%s %q is not a file", flag, file)
	}
	_ = cache.RemoveDead(filepath.Dir(file))
	tmp, err := os.CreateTemp(filepath.Dir(file), cache.TempPrefix+"*")
	if err != nil {
		var at *fs.PathError // of the file that would be beside
		if errors.As(err, &at) {
			err = at.Err
		}
		return "", fmt.Errorf("%s %q cannot be written: %w", flag, file, err)
	}
	return file, errors.Join(tmp.Close(), os.Remove(tmp.Name()))
}

// PrintResult prints what a command is run for.
func PrintResult(text string) error {
	_, err := io.WriteString(term.Results(os.Stdout, os.Stdout), text)
	return err
}

// PrintWords prints a result that is there to be read.
func PrintWords(text string) error {
	_, err := io.WriteString(os.Stdout, escape.Lines(text))
	return err
}

// InFile says which file an error is about, before the place in it.
func InFile(name string, err error) error {
	var at *doctree.Error
	if errors.As(err, &at) {
		return fmt.Errorf("%s:%w", name, err)
	}
	return fmt.Errorf("reading %s: %w", name, err)
}

// ErrorAt returns an error that names a place in a file.
func ErrorAt(pos doctree.Pos, format string, args ...any) error {
	return &doctree.Error{Pos: pos, Err: fmt.Errorf(format, args...)}
}
