package pipeline

import (
	"errors"
	"fmt"
	gobuild "go/build"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/google/ko/pkg/build"
	"golang.org/x/mod/modfile"

	"github.com/ko-health/kohealth/builder/hint"
	"github.com/ko-health/kohealth/builder/limits"
)

// PackageHint returns the next step for an argument that names no main package.
func PackageHint(arg string) string {
	arg = strings.TrimPrefix(arg, build.StrictScheme)
	if dir := meantDir(arg); dir != "" {
		return "write " + dir + ": without ./ it is an import path"
	}
	if strings.HasSuffix(arg, ".go") {
		return "write " + AsArgument(filepath.Dir(filepath.Clean(arg))) + ": a package is named by its directory"
	}
	if path, _, _ := strings.Cut(arg, "@"); isElsewhere(path) {
		return "go get " + arg + " adds its module to this one; without ./ it is an import path"
	}
	if tags, ok := leftOut(arg); ok {
		if len(tags) == 0 {
			return "build constraints leave out all its files for linux"
		}
		return "build constraints leave out all its files; export GOFLAGS=-tags=" + strings.Join(tags, ",") + " takes them"
	}
	if dir, main := ModuleOf(arg); dir != "" && isMain(arg) {
		return entryHint(dir, main)
	}
	if mains := MainDirs(arg); gobuild.IsLocalImport(arg) && filepath.Clean(arg) != "." && len(mains) > 0 {
		return listed("the main package", mains)
	}
	return moduleHint()
}

// meantDir returns the directory that an import path was probably meant to be, or "".
func meantDir(arg string) string {
	if gobuild.IsLocalImport(arg) || filepath.IsAbs(arg) {
		return ""
	}
	if info, err := os.Stat(filepath.FromSlash(arg)); err != nil || !info.IsDir() {
		return ""
	}
	return "./" + arg
}

// isElsewhere reports whether an import path has a host, and is neither in the module of this
// directory nor in one that it requires.
func isElsewhere(importpath string) bool {
	host, _, _ := strings.Cut(importpath, "/")
	if gobuild.IsLocalImport(importpath) || !strings.Contains(host, ".") {
		return false
	}
	data, err := limits.Document.ReadFile("go.mod")
	if err != nil {
		return false
	}
	words := strings.Fields(string(data)) // among them the modules
	return !slices.ContainsFunc(words, func(word string) bool { return strings.HasPrefix(importpath+"/", strings.Trim(word, `"`)+"/") })
}

// ModuleOf returns the directory of the module that a directory is in, and the directory as
// it is named there; "" if it is this directory's module.
func ModuleOf(importpath string) (dir, inModule string) {
	if !gobuild.IsLocalImport(importpath) {
		return "", importpath
	}
	for dir := filepath.Clean(importpath); dir != "." && !strings.HasPrefix(dir, ".."); dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err != nil {
			continue
		}
		if rel, err := filepath.Rel(dir, importpath); err == nil {
			return dir, AsArgument(rel)
		}
	}
	return "", importpath
}

func isMain(dir string) bool {
	pkg, err := gobuild.ImportDir(dir, 0)
	return err == nil && pkg.Name == "main"
}

// entryHint returns the next step for a main package in a module of its own.
func entryHint(dir, main string) string {
	entry := "dir: " + AsArgument(dir)
	if main != "." {
		entry += ", main: " + main
	}
	return AsArgument(dir) + " is a module of its own: run kohealth there, or give it an entry in builds of .ko.yaml, with " + entry
}

// CheckMeant refuses an import path without a host that names the package in dir, and a
// directory here as well: cmd/api is a package of Go's own, and was to be ./cmd/api.
func CheckMeant(arg, dir string) error {
	host, _, _ := strings.Cut(arg, "/")
	meant := meantDir(arg)
	if meant == "" || strings.Contains(host, ".") {
		return nil
	}
	if here, err := filepath.Abs(meant); err != nil || here == dir {
		return err
	}
	return hint.With(fmt.Errorf("%q is the import path of another package, and a directory here", arg), PackageHint(arg))
}

// systems are the words of build constraints that are no tags to set: systems that people
// write programs for beside linux, and cgo, which ko's builds are without.
var systems = []string{"windows", "darwin", "freebsd", "netbsd", "openbsd", "solaris", "plan9", "js", "wasip1", "android", "ios", "cgo"}

// leftOut reports whether build constraints leave out all files of the package in a
// directory, and with which of the tags that they ask for it would have some.
func leftOut(dir string) (tags []string, ok bool) {
	linux := gobuild.Default
	linux.GOOS, linux.CgoEnabled = "linux", false
	pkg, err := linux.ImportDir(dir, 0)
	var none *gobuild.NoGoError
	if !errors.As(err, &none) || len(pkg.IgnoredGoFiles) == 0 {
		return nil, false
	}
	for _, tag := range pkg.AllTags {
		with := linux
		with.BuildTags = append(slices.Clone(linux.BuildTags), tag)
		if _, err := with.ImportDir(dir, 0); err == nil && !slices.Contains(systems, tag) {
			tags = append(tags, tag)
		}
	}
	return tags, true
}

// MainsHint says which main packages there are, in this module or in those of a go.work.
func MainsHint() string {
	mains := MainDirs(".")
	for _, dir := range workDirs() {
		if dir != "." {
			mains = append(mains, MainDirs(dir)...)
		}
	}
	if len(mains) == 0 {
		return "name the directory of a main package, such as ./cmd/app"
	}
	return listed("the main package", mains)
}

// listed says which directories there are of a kind.
func listed(kind string, dirs []string) string {
	const most = 5
	n := len(dirs)
	switch {
	case n == 1:
		return kind + " here is " + dirs[0]
	case n > most:
		dirs = append(slices.Clone(dirs[:most]), fmt.Sprintf("%d more", n-most))
	}
	return kind + "s here are " + strings.Join(dirs, ", ")
}

// workDirs returns the directories of the modules in this directory's go.work.
func workDirs() (dirs []string) {
	data, err := limits.Document.ReadFile("go.work")
	if err != nil {
		return nil
	}
	work, err := modfile.ParseWork("go.work", data, nil)
	if err != nil {
		return nil // go itself says what is wrong
	}
	for _, use := range work.Use {
		dirs = append(dirs, filepath.Clean(filepath.FromSlash(use.Path)))
	}
	return dirs
}

// nestedModules returns the directories of the modules below this one, a few levels deep.
func nestedModules() (dirs []string) {
	for _, pattern := range []string{"*/go.mod", "*/*/go.mod", "*/*/*/go.mod"} {
		files, _ := filepath.Glob(pattern) // of a pattern without mistakes
		for _, file := range files {
			dirs = append(dirs, AsArgument(filepath.Dir(file)))
		}
	}
	return dirs
}

// inModule reports whether this directory is in a module.
func inModule() bool {
	dir, err := filepath.Abs(".")
	for err == nil {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return true
		}
		if dir == filepath.Dir(dir) {
			return false
		}
		dir = filepath.Dir(dir)
	}
	return false
}

// moduleHint returns the next step where there is no main package, or no module.
func moduleHint() string {
	if inModule() || len(workDirs()) > 0 {
		return MainsHint()
	}
	if modules := nestedModules(); len(modules) > 0 {
		return listed("run kohealth in a module's directory; the module", modules)
	}
	return "run kohealth in the module's directory, or begin a module with go mod init"
}
