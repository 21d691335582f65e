package kocompat

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/google/ko/pkg/build"
	"github.com/google/ko/pkg/commands/options"
	"golang.org/x/tools/go/packages"

	"github.com/ko-health/kohealth/builder/hint"
	"github.com/ko-health/kohealth/builder/limits"
)

// PackageDirs are the directories of packages that go list was run for, by import path.
type PackageDirs map[string]string

// An endingKodata is ko's builder for apps whose kodata it comes to the end of. ko follows
// links, looks at no context meanwhile, and keeps everything in memory.
type endingKodata struct {
	build.Interface
	options *options.BuildOptions
	dirs    PackageDirs
}

// EndKodata returns a builder, inner, of what options say for apps in dirs, whose kodata it
// comes to the end of.
func EndKodata(inner build.Interface, options *options.BuildOptions, dirs PackageDirs) build.Interface {
	return endingKodata{inner, options, dirs}
}

func (b endingKodata) Build(ctx context.Context, importpath string) (build.Result, error) {
	dir, err := b.dirOf(ctx, strings.TrimPrefix(importpath, build.StrictScheme))
	if err == nil { // else ko says what is wrong
		err = checkKodata(ctx, filepath.Join(dir, "kodata"))
		if err != nil {
			return nil, err
		}
	}
	result, err := b.Interface.Build(ctx, importpath)
	if err != nil && strings.Contains(err.Error(), "outside the kodata root") {
		err = hint.With(err, "copy what the link leads to into kodata: ko packs nothing from outside")
	}
	return result, err
}

func (b endingKodata) dirOf(ctx context.Context, path string) (string, error) {
	if dir, ok := b.dirs[path]; ok {
		return dir, nil
	}
	pkgs, err := packages.Load(&packages.Config{
		Context: ctx,
		Dir:     filepath.Join(b.options.WorkingDirectory, b.options.BuildConfigs[path].Dir),
		Mode:    packages.NeedFiles,
	}, path)
	if err != nil {
		return "", err
	}
	if len(pkgs) != 1 || len(pkgs[0].GoFiles) == 0 {
		return "", errors.New("not a package")
	}
	return filepath.Dir(pkgs[0].GoFiles[0]), nil
}

func checkKodata(ctx context.Context, dir string) error {
	info, err := os.Lstat(dir)
	if err != nil || !info.IsDir() {
		return nil // there is none, or one that ko does not look into
	}
	root, err := filepath.EvalSymlinks(dir)
	if err == nil {
		root, err = filepath.Abs(root)
	}
	if err != nil {
		return fmt.Errorf("reading %q: %w", dir, err)
	}
	w := &kodataWalk{ctx: ctx, root: root}
	if err := w.dir(root); err != nil {
		return fmt.Errorf("reading %q: %w", dir, err)
	}
	return nil
}

// A kodataWalk goes where ko goes.
type kodataWalk struct {
	ctx    context.Context
	root   string
	within []string // directories that are being read, links resolved
	links  []string // that have led there
	linked int64    // files and directories that were come to through links
	size   int64
}

func (w *kodataWalk) dir(dir string) error {
	if err := w.ctx.Err(); err != nil {
		return err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	w.within = append(w.within, dir)
	defer func() { w.within = w.within[:len(w.within)-1] }()
	for _, e := range entries {
		if err := w.entry(filepath.Join(dir, e.Name()), e.Type()); err != nil {
			return err
		}
	}
	return nil
}

// entry looks at a file, directory or link. Links that lead nowhere, or out of kodata,
// are ko's to refuse.
func (w *kodataWalk) entry(name string, mode fs.FileMode) error {
	if err := w.come(); err != nil {
		return err
	}
	if mode&fs.ModeSymlink != 0 {
		return w.link(name)
	}
	if mode.IsDir() {
		return w.dir(name)
	}
	if !mode.IsRegular() {
		return hint.With(fmt.Errorf("%q is neither file nor directory nor link", name), "take it out of kodata: it cannot be in an image")
	}
	info, err := os.Stat(name)
	if err != nil {
		return nil
	}
	w.size += info.Size()
	return limits.Kodata.Check(w.size)
}

func (w *kodataWalk) link(name string) error {
	target, err := filepath.EvalSymlinks(name)
	if err != nil {
		return nil
	}
	info, err := os.Stat(target)
	if err != nil || target != w.root && !strings.HasPrefix(target, w.root+string(filepath.Separator)) {
		return nil
	}
	if slices.Contains(w.within, target) {
		return hint.With(fmt.Errorf("the link %q never ends: it leads to %q, where it is itself", name, target), "remove the link")
	}
	w.links = append(w.links, name)
	defer func() { w.links = w.links[:len(w.links)-1] }()
	return w.entry(target, info.Mode().Type())
}

// come counts what is come to through links. They can lead to a directory twice, from
// there to the next twice, and so on.
func (w *kodataWalk) come() error {
	if len(w.links) == 0 {
		return nil
	}
	w.linked++
	if err := limits.KodataLinked.Check(w.linked); err != nil {
		return hint.With(fmt.Errorf("through the link %q: %w", w.links[0], err), "remove links that lead to the same directories")
	}
	return nil
}
