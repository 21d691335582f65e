package health

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/ko-health/kohealth/builder/hint"
	"github.com/ko-health/kohealth/builder/limits"
)

// A File holds the health checks of a .ko.yaml, which ko itself passes over:
//
//	healthcheck:             # for all images
//	  test: http://:8080/healthz
//	builds:
//	- id: worker
//	  main: ./cmd/worker
//	  healthcheck:           # for this one; wins, key by key
//	    test: file:///tmp/alive?max_age=60s
//
// The zero File says nothing.
type File struct {
	top    Settings
	builds []build
	typos  []Typo
}

// A Typo is a key at the top of the file that ko passes over, although it is much like
// one that ko knows.
type Typo struct {
	Line       int
	Key, Known string
}

// A BuildID tells the entries of builds[] apart, with ko's own defaults: the ID is
// "#" and the index where none is written, Dir and Main are ".".
type BuildID struct{ ID, Dir, Main string }

type build struct {
	BuildID
	settings Settings
}

// ReadFile reads the health checks of the .ko.yaml at path. Errors name file and
// line.
func ReadFile(path string) (File, error) {
	data, err := limits.Document.ReadFile(path)
	if err != nil {
		return File{}, fmt.Errorf("reading health checks: %w", err)
	}
	if !IsYAML(path) {
		return File{}, refuseChecks(path, data)
	}
	return ParseFile(path, data)
}

// IsYAML reports whether ko reads a configuration file as YAML or JSON. It reads other
// formats, too, and tells them by their names, as viper does.
func IsYAML(path string) bool {
	switch strings.ToLower(filepath.Ext(path)) {
	case ".toml", ".env", ".dotenv", ".properties", ".props", ".prop", ".ini", ".hcl", ".tfvars":
		return false
	}
	return true
}

// refuseChecks refuses health checks in a file that is neither YAML nor JSON: they would be
// passed over.
func refuseChecks(path string, data []byte) error {
	if !bytes.Contains(bytes.ToLower(data), []byte("healthcheck")) {
		return nil
	}
	return hint.With(fmt.Errorf("reading health checks: %q is neither YAML nor JSON", path),
		"write the file as .ko.yaml, or give the check with flags or variables, such as KOHEALTH_HEALTH")
}

// ParseFile parses what a .ko.yaml of the given name holds.
func ParseFile(name string, data []byte) (File, error) {
	var doc yaml.Node
	var whole any // yaml refuses aliases that contain themselves only when it decodes values
	err := yaml.Unmarshal(data, &doc)
	if err == nil {
		err = yaml.Unmarshal(data, &whole)
	}
	if err != nil {
		return File{}, fmt.Errorf("parsing %q: %w", name, err)
	}
	if len(doc.Content) == 0 {
		return File{}, nil
	}
	f, err := readTop(doc.Content[0])
	var at *lineError
	if errors.As(err, &at) {
		return File{}, &FileError{name, at.line, at.error}
	}
	return f, err
}

// For returns what the file says of a build: its own section over the file's.
func (f File) For(id BuildID) Settings {
	for _, b := range slices.Backward(f.builds) { // ko, too, lets the last of equal entries win
		if b.BuildID == id {
			return b.settings.Over(f.top)
		}
	}
	return f.top
}

// Typos returns the keys that were meant to be others, in the order of the file.
func (f File) Typos() []Typo { return f.typos }

// Builds returns what tells the entries of builds[] apart, in the order of the file.
func (f File) Builds() (ids []BuildID) {
	for _, b := range f.builds {
		ids = append(ids, b.BuildID)
	}
	return ids
}

// Build returns what the file says of the build with an ID as it is written in the
// file, or of all images if id is "".
func (f File) Build(id string) (Settings, error) {
	if id == "" {
		return f.top, nil
	}
	for _, b := range slices.Backward(f.builds) {
		if b.ID == id {
			return b.settings.Over(f.top), nil
		}
	}
	return Settings{}, hint.With(fmt.Errorf("no build has the id %q", id), "there is "+cmp.Or(strings.Join(f.IDs(), ", "), "none"))
}

// IDs returns the IDs of the builds, in the order of the file.
func (f File) IDs() (ids []string) {
	for _, b := range f.builds {
		ids = append(ids, b.ID)
	}
	return ids
}

// A FileError is an error at a line of a file.
type FileError struct {
	Name string
	Line int
	Err  error
}

func (e *FileError) Error() string { return fmt.Sprintf("%s:%d: %v", e.Name, e.Line, e.Err) }
func (e *FileError) Unwrap() error { return e.Err }

// lineError is an error at a line of the file.
type lineError struct {
	line int
	error
}

func (e *lineError) Unwrap() error { return e.error }

func at(n *yaml.Node, err error) error {
	var e *lineError
	if err == nil || errors.As(err, &e) {
		return err
	}
	return &lineError{n.Line, err}
}

// eachPair calls f for the pairs of a mapping, those of merged mappings (<<) first.
func eachPair(n *yaml.Node, f func(key, value *yaml.Node) error) error {
	n = resolve(n)
	if n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Tag == "!!merge" {
			if err := eachMerged(resolve(n.Content[i+1]), f); err != nil {
				return err
			}
		}
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Tag == "!!merge" {
			continue
		}
		if err := f(n.Content[i], resolve(n.Content[i+1])); err != nil {
			return at(n.Content[i], err)
		}
	}
	return nil
}

func eachMerged(n *yaml.Node, f func(key, value *yaml.Node) error) error {
	if n.Kind != yaml.SequenceNode {
		return eachPair(n, f)
	}
	for _, m := range slices.Backward(n.Content) { // earlier mappings win
		if err := eachPair(m, f); err != nil {
			return err
		}
	}
	return nil
}

func resolve(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

// readTop looks only at the keys that are ours. ko finds keys whatever their case.
func readTop(n *yaml.Node) (f File, err error) {
	err = eachPair(n, func(key, value *yaml.Node) error {
		switch {
		case strings.EqualFold(key.Value, "healthcheck"):
			f.top, err = readSettings(value)
		case strings.EqualFold(key.Value, "builds") && value.Kind == yaml.SequenceNode:
			f.builds, err = readBuilds(value)
		default:
			if known := nearKey(key.Value); known != "" {
				f.typos = append(f.typos, Typo{key.Line, key.Value, known})
			}
			err = checkTypo(key.Value)
		}
		return err
	})
	return f, err
}

// nearKey returns ko's key at the top of a .ko.yaml that another was meant to be, or "".
//
// https://ko.build/configuration/
func nearKey(key string) string {
	known := []string{"defaultBaseImage", "baseImageOverrides", "defaultPlatforms", "defaultEnv", "defaultFlags", "defaultLdflags", "builds"}
	if slices.ContainsFunc(known, func(k string) bool { return strings.EqualFold(k, key) }) {
		return ""
	}
	return Nearest(key, known)
}

func readBuilds(n *yaml.Node) ([]build, error) {
	var builds []build
	for i, entry := range n.Content {
		b := build{BuildID: BuildID{ID: fmt.Sprintf("#%d", i), Dir: ".", Main: "."}}
		err := eachPair(entry, func(key, value *yaml.Node) (err error) {
			switch strings.ToLower(key.Value) {
			case "id":
				b.ID = textOr(value, b.ID)
			case "dir":
				b.Dir = textOr(value, b.Dir)
			case "main":
				b.Main = textOr(value, b.Main)
			case "healthcheck":
				b.settings, err = readSettings(value)
			default:
				err = checkTypo(key.Value)
			}
			return err
		})
		if err != nil {
			return nil, err
		}
		builds = append(builds, b)
	}
	return builds, nil
}

// checkTypo refuses keys that were meant to be healthcheck. The others are ko's, or hold,
// behind x-, what aliases name.
func checkTypo(key string) error {
	if strings.HasPrefix(key, "x-") || Nearest(key, []string{"healthcheck", "health"}) == "" && !strings.HasPrefix(plain(key), "health") {
		return nil
	}
	return hint.With(fmt.Errorf("unknown key %q", key), `did you mean "healthcheck"?`)
}

// textOr returns a value, or def where none is given.
func textOr(value *yaml.Node, def string) string {
	if value.Tag == "!!null" {
		return def
	}
	return cmp.Or(value.Value, def)
}

func readSettings(n *yaml.Node) (s Settings, err error) {
	if n.Kind != yaml.MappingNode {
		return s, at(n, hint.With(errors.New("parsing healthcheck: want keys and values"), "the keys are "+strings.Join(keys(), ", ")))
	}
	err = eachPair(n, func(key, value *yaml.Node) error {
		if !slices.Contains(keys(), key.Value) {
			return unknownKey(key.Value)
		}
		return at(value, readValue(&s, key.Value, value))
	})
	return s, err
}

func readValue(s *Settings, key string, n *yaml.Node) error {
	switch n.Kind {
	case yaml.SequenceNode:
		list, err := readList(key, n)
		if err != nil {
			return err
		}
		return s.SetList(key, list)
	case yaml.ScalarNode:
		if err := checkScalar(key, n); err != nil {
			return err
		}
		return s.Set(key, n.Value)
	}
	return fmt.Errorf("parsing %s: want a value, not keys and values", key)
}

func readList(key string, n *yaml.Node) ([]string, error) {
	list := make([]string, 0, len(n.Content))
	for _, item := range n.Content {
		item = resolve(item)
		if item.Kind != yaml.ScalarNode || item.Tag == "!!null" {
			return nil, at(item, fmt.Errorf("parsing %s: want a list of strings", key))
		}
		list = append(list, item.Value)
	}
	return list, nil
}

// checkScalar refuses values of another type than the key's, which would otherwise
// be read as the text that they were written with.
func checkScalar(key string, n *yaml.Node) error {
	switch key {
	case KeyLog, KeyDisable, KeyOffline:
		if n.Tag != "!!bool" {
			return hint.With(fmt.Errorf("parsing %s %q: want true or false", key, n.Value), "YAML's booleans are written true and false, without quotes")
		}
	case KeyPackages, KeyRepositories, KeyKeys, KeyIgnore:
		return fmt.Errorf("parsing %s %q: want a list, such as [curl]", key, n.Value)
	case KeyTest, KeyTool:
		if n.Tag != "!!str" {
			return fmt.Errorf("parsing %s %q: want a string", key, n.Value)
		}
	default:
		if n.Tag == "!!null" {
			return fmt.Errorf("parsing %s: the value is missing", key)
		}
	}
	return nil
}
