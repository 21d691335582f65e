package discover

import (
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/build"
	"go/token"
	"go/types"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/tools/go/packages"

	"github.com/ko-health/kohealth/builder/hint"
)

// ErrNoMain says that an import path names no main package.
var ErrNoMain = errors.New("not a main package")

// An App is a main package, with the packages of its module that it is made of.
type App struct {
	Importpath string
	Dir        string   // of the main package
	Module     string   // its module's path, or "" outside of modules
	ModuleDir  string   // the directory of its module
	Packages   []string // import paths of what was read, the main package's among them

	// Broken says why a package could not be read whole, or is nil. What depends on it
	// is unknown.
	Broken error

	fset   *token.FileSet
	info   *types.Info
	files  []*ast.File
	bodies []ast.Node // functions that are reached, and what package variables are set to
	funcs  []*types.Func
	decls  map[*types.Func]*ast.FuncDecl

	proposals []Proposal
}

// Load reads the main package that an import path or a directory names, as go would do
// in dir, for Linux and without cgo, as ko builds it, and finds the checks that suit it.
// Nothing is compiled; only what the module itself has in its functions is looked at.
func Load(ctx context.Context, dir, importpath string) (*App, error) {
	main, all, err := list(ctx, dir, importpath)
	if err != nil {
		return nil, err
	}
	type result struct {
		app *App
		err error
	}
	// The type checker does not ask whether anybody waits for it.
	read := make(chan result, 1)
	go func() {
		c := newChecker(ctx, main, all)
		c.check(main)
		read <- result{c.app, c.finish()}
	}()
	select {
	case r := <-read:
		return r.app, r.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// newApp returns an app of which nothing is read yet.
func newApp(main *packages.Package) *App {
	a := &App{
		Importpath: main.PkgPath,
		fset:       token.NewFileSet(),
		info: &types.Info{
			Types:      map[ast.Expr]types.TypeAndValue{},
			Defs:       map[*ast.Ident]types.Object{},
			Uses:       map[*ast.Ident]types.Object{},
			Selections: map[*ast.SelectorExpr]*types.Selection{},
		},
		decls: map[*types.Func]*ast.FuncDecl{},
	}
	if len(main.GoFiles) > 0 {
		a.Dir = filepath.Dir(main.GoFiles[0])
	}
	a.ModuleDir = a.Dir
	if main.Module != nil {
		a.Module, a.ModuleDir = main.Module.Path, main.Module.Dir
	}
	return a
}

// finish finds what suits the app that was read.
func (c *checker) finish() error {
	if c.ctx.Err() != nil {
		return context.Cause(c.ctx)
	}
	if c.refused != nil {
		return c.refused
	}
	slices.Sort(c.app.Packages)
	c.app.bodies = c.app.reach()
	c.app.proposals = c.app.follow(c.ctx).proposals()
	if c.ctx.Err() != nil {
		return context.Cause(c.ctx)
	}
	return nil
}

// list returns the main package, and all that it is made of by ID.
func list(ctx context.Context, dir, importpath string) (*packages.Package, map[string]*packages.Package, error) {
	pkgs, err := packages.Load(&packages.Config{
		Context: ctx,
		Dir:     dir,
		Env:     environ(),
		Mode:    packages.NeedName | packages.NeedFiles | packages.NeedImports | packages.NeedDeps | packages.NeedModule,
	}, importpath)
	if err != nil {
		return nil, nil, fmt.Errorf("reading %q: %w", importpath, GoSays(err))
	}
	var mains []*packages.Package
	for _, pkg := range pkgs {
		if pkg.Name == "main" {
			mains = append(mains, pkg)
		}
	}
	switch {
	case len(mains) > 1:
		return nil, nil, hint.With(fmt.Errorf("%q names %d main packages", importpath, len(mains)), "name one, such as "+mains[0].PkgPath)
	case len(mains) == 0 && len(pkgs) > 0 && len(pkgs[0].Errors) > 0 && pkgs[0].Name == "":
		return nil, nil, unread(dir, importpath, pkgs[0].Errors[0])
	case len(mains) == 0:
		return nil, nil, fmt.Errorf("reading %q: %w", importpath, ErrNoMain)
	}
	all := map[string]*packages.Package{}
	packages.Visit(pkgs, nil, func(pkg *packages.Package) { all[pkg.ID] = pkg })
	return mains[0], all, nil
}

// GoSays returns what the go command said when it failed, in one line, without how it was
// called.
func GoSays(err error) error {
	text := err.Error()
	if _, said, ok := strings.Cut(text, "stderr: "); ok {
		text = said
	}
	var reason packages.Error
	if errors.As(err, &reason) {
		text = reason.Msg
	}
	return errors.New(strings.Join(strings.Fields(text), " "))
}

// unread says why a package could not be read.
func unread(dir, importpath string, reason packages.Error) error {
	if info, err := os.Stat(filepath.Join(dir, importpath)); err == nil && info.IsDir() && build.IsLocalImport(importpath) {
		return fmt.Errorf("reading %q: %w: %w", importpath, ErrNoMain, GoSays(reason))
	}
	return fmt.Errorf("reading %q: %w", importpath, GoSays(reason))
}

// Mains returns the import paths of the main packages of the app's module.
func (a *App) Mains(ctx context.Context) (mains []string, err error) {
	pkgs, err := packages.Load(&packages.Config{Context: ctx, Dir: a.ModuleDir, Env: environ(), Mode: packages.NeedName}, "./...")
	if err != nil {
		return nil, fmt.Errorf("reading the module %s: %w", a.Module, err)
	}
	for _, pkg := range pkgs {
		if pkg.Name == "main" {
			mains = append(mains, pkg.PkgPath)
		}
	}
	return mains, nil
}

// environ is what go runs with: ko builds for Linux, and without cgo.
func environ() []string { return append(os.Environ(), "GOOS=linux", "CGO_ENABLED=0") }

// add takes a package of the app's own.
func (a *App) add(path string, files []*ast.File) {
	a.Packages = append(a.Packages, path)
	a.files = append(a.files, files...)
	for _, f := range files {
		for _, decl := range f.Decls {
			if fn, ok := decl.(*ast.FuncDecl); ok {
				if obj, ok := a.info.Defs[fn.Name].(*types.Func); ok {
					a.funcs = append(a.funcs, obj)
					a.decls[obj] = fn
				}
			}
		}
	}
}

// A Position is a place in the app's source.
type Position struct {
	File         string // relative to the module's directory, with slashes
	Line, Column int
}

func (p Position) String() string { return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column) }

func (a *App) position(pos token.Pos) Position {
	at := a.fset.Position(pos)
	file := at.Filename
	if rel, err := filepath.Rel(a.ModuleDir, file); err == nil && !strings.HasPrefix(rel, "..") {
		file = rel
	}
	return Position{filepath.ToSlash(file), at.Line, at.Column}
}
