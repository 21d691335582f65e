package composefile

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/compose-spec/compose-go/v2/dotenv"

	"github.com/ko-health/kohealth/builder/doctree"
	"github.com/ko-health/kohealth/builder/limits"
)

// An origin is a place of the file that names another file, of which services come.
type origin struct {
	at       doctree.Pos
	services map[string]string // the file of each, by its name
}

// A notFollowed is the name of a file that is not read: it is not on this machine, or the
// directory of the file that names it is not known.
type notFollowed string

func (n notFollowed) Error() string { return string(n) + " is not followed" }

// follow looks at all files that the file includes and extends before the library reads
// them: a file that somebody else wrote must not make it read devices, or anything but
// Compose files.
func (l *load) follow() error {
	w := &walker{variables: l.project.variables, local: l.dir != "", seen: map[string]bool{}}
	for _, doc := range l.docs {
		for _, item := range includes(doc) {
			services := map[string]string{}
			if err := l.told(w.include(item, l.dir, services), &l.skipInclude); err != nil {
				return err
			}
			l.origins = append(l.origins, origin{item.Pos, services})
		}
	}
	for _, f := range l.others {
		if err := l.told(w.all(f.docs, f.name, l.dir, map[string]string{}), &l.skipInclude); err != nil {
			return err
		}
	}
	return l.told(w.extends(l.docs, l.dir), &l.skipExtends)
}

// told notes what is not followed, which is nothing against the file.
func (l *load) told(err error, skip *bool) error {
	var not notFollowed
	if errors.As(err, &not) {
		l.note(not.Error())
		*skip = true
		return nil
	}
	return err
}

// A walker goes through Compose files.
type walker struct {
	variables *variables
	local     bool
	seen      map[string]bool
	extending int64 // services that extend another
}

func includes(doc *doctree.Node) []*doctree.Node {
	if n := doc.Get("include"); n != nil {
		return n.Items
	}
	return nil
}

// include reads the files of an item of include, and notes their services.
func (w *walker) include(item *doctree.Node, dir string, services map[string]string) error {
	paths, project := []*doctree.Node{item}, ""
	if item.Kind == doctree.Map {
		paths = list(item.Get("path"))
		project, _ = item.Get("project_directory").Str()
		for _, n := range list(item.Get("env_file")) {
			if err := w.see(n, dir, false); err != nil {
				return err
			}
		}
	}
	for i, n := range paths {
		docs, path, err := w.read(n, dir)
		if err != nil || docs == nil {
			return err
		}
		if i == 0 && project == "" {
			project = filepath.Dir(path)
		} else if i == 0 {
			project = join(dir, project)
		}
		if err := w.all(docs, path, project, services); err != nil {
			return err
		}
	}
	return nil
}

// all goes through the documents of an included file, whose paths are relative to dir.
func (w *walker) all(docs []*doctree.Node, path, dir string, services map[string]string) error {
	for _, doc := range docs {
		for _, f := range doc.Get("services").Map() {
			services[f.Key.Text] = path
		}
		for _, item := range includes(doc) {
			if err := w.include(item, dir, services); err != nil {
				return err
			}
		}
	}
	return w.extends(docs, dir)
}

// extends reads the files whose services are extended.
func (w *walker) extends(docs []*doctree.Node, dir string) error {
	for _, doc := range docs {
		for _, f := range doc.Get("services").Map() {
			extends := f.Value.Get("extends")
			if extends.Given() {
				w.extending++
			}
			if err := limits.Extends.Check(w.extending); err != nil {
				return &doctree.Error{Pos: f.Key.Pos, Err: err}
			}
			file := extends.Get("file")
			if !file.Given() {
				continue
			}
			docs, path, err := w.read(file, dir)
			if err != nil {
				return err
			}
			if err := w.extends(docs, filepath.Dir(path)); err != nil {
				return err
			}
		}
	}
	return nil
}

// list returns the items of a list, or what stands in its place.
func list(n *doctree.Node) []*doctree.Node {
	switch {
	case !n.Given():
		return nil
	case n.Kind == doctree.List:
		return n.Items
	}
	return []*doctree.Node{n}
}

// read reads a Compose file that is named, once; again, there are no documents.
func (w *walker) read(n *doctree.Node, dir string) (docs []*doctree.Node, path string, err error) {
	path = w.path(n, dir)
	if w.seen[path] {
		return nil, path, nil
	}
	w.seen[path] = true
	if err := w.see(n, dir, true); err != nil {
		return nil, path, err
	}
	data, err := os.ReadFile(path)
	if err == nil {
		docs, err = doctree.ParseAll(data)
	}
	if err != nil {
		return nil, path, &doctree.Error{Pos: n.Pos, Err: fmt.Errorf("reading %q: %w", n.Text, withoutPath(err))}
	}
	return docs, path, nil
}

func (w *walker) path(n *doctree.Node, dir string) string {
	text, err := w.variables.substitute(n.Text, w.variables.lookup)
	if err != nil {
		text = n.Text
	}
	return join(dir, text)
}

func join(dir, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}

// see judges a file that is named.
func (w *walker) see(n *doctree.Node, dir string, compose bool) error {
	path := w.path(n, dir)
	remote := strings.Contains(n.Text, "://") || strings.HasPrefix(n.Text, "git@") || strings.HasPrefix(n.Text, "oci:")
	if remote || !w.local || strings.Contains(path, Unknown) {
		return notFollowed(n.Text)
	}
	if path == os.DevNull && !compose {
		return nil
	}
	if err := readable(path, compose); err != nil {
		return &doctree.Error{Pos: n.Pos, Err: fmt.Errorf("reading %q: %w", n.Text, withoutPath(err))}
	}
	return nil
}

// readable refuses what is neither a Compose file nor, if that is asked for, one of
// variables.
func readable(path string, compose bool) error {
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return err
	}
	info, err := os.Stat(real)
	switch {
	case err != nil:
		return err
	case !info.Mode().IsRegular() || slices.ContainsFunc([]string{"/proc/", "/sys/", "/dev/"}, func(dir string) bool { return strings.HasPrefix(real, dir) }):
		return errors.New("it is not a regular file")
	case limits.Document.Check(info.Size()) != nil:
		return limits.Document.Exceeded()
	case compose && !slices.Contains([]string{".yml", ".yaml", ".json"}, strings.ToLower(filepath.Ext(real))):
		return errors.New("it is no Compose file by its name")
	}
	return nil
}

// withoutPath returns an error without the path that the system names.
func withoutPath(err error) error {
	var at *os.PathError
	if errors.As(err, &at) {
		return at.Err
	}
	return err
}

// envFiles returns the files of variables that Compose reads: .env, or those that
// COMPOSE_ENV_FILES names.
//
// https://docs.docker.com/compose/how-tos/environment-variables/envvars/
func envFiles(o Options) []string {
	disabled, _ := strconv.ParseBool(o.Environment["COMPOSE_DISABLE_ENV_FILE"])
	switch files := o.Environment["COMPOSE_ENV_FILES"]; {
	case o.Dir == "":
		return nil
	case files != "":
		return strings.Split(files, ",")
	case disabled:
		return nil
	}
	return []string{".env"}
}

// readDotEnv returns the environment with the variables of .env behind it.
func readDotEnv(o Options) (environment map[string]string, note string) {
	environment = map[string]string{}
	for _, path := range envFiles(o) {
		values, err := ReadEnv(join(o.Dir, path), o.Environment)
		if err != nil && !(path == ".env" && errors.Is(err, os.ErrNotExist)) {
			note = fmt.Sprintf("%s: %v", path, err)
		}
		for name, value := range values {
			environment[name] = value
		}
	}
	for name, value := range o.Environment {
		environment[name] = value
	}
	return environment, note
}

// ReadEnv reads a file of variables, as env_file names them. Its errors do not quote it.
func ReadEnv(path string, environment map[string]string) (map[string]string, error) {
	if err := readable(path, false); err != nil {
		return nil, withoutPath(err)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, withoutPath(err)
	}
	defer f.Close()
	values, err := dotenv.ParseWithLookup(f, func(name string) (string, bool) {
		value, ok := environment[name]
		return value, ok
	})
	if err != nil {
		return nil, errors.New("it cannot be parsed")
	}
	return values, nil
}
