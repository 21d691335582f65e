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
	if tags, ok := leftOut(arg); ok {
		if len(tags) == 0 {
			return "build constraints leave out all its files for linux"
		}
		return "build constraints leave out all its files; export GOFLAGS=-tags=" + strings.Join(tags, ",") + " takes them"
	}
	return MainsHint()
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
	const most = 5
	mains := MainDirs(".")
	for _, dir := range workDirs() {
		if dir != "." {
			mains = append(mains, MainDirs(dir)...)
		}
	}
	switch n := len(mains); {
	case n == 0:
		return "name the directory of a main package, such as ./cmd/app"
	case n == 1:
		return "the main package here is " + mains[0]
	case n > most:
		mains = append(mains[:most], fmt.Sprintf("%d more", n-most))
	}
	return "the main packages here are " + strings.Join(mains, ", ")
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

// moduleHint returns the next step where there is no module.
func moduleHint() string {
	if len(workDirs()) > 0 {
		return MainsHint()
	}
	return "run kohealth in the module's directory, or begin a module with go mod init"
}
