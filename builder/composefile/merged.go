package composefile

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"

	"github.com/ko-health/kohealth/builder/doctree"
	"github.com/ko-health/kohealth/builder/limits"
)

// A mergedFile is another file that Compose merges the file with.
type mergedFile struct {
	name string // its path from the file's directory
	data []byte
	docs []*doctree.Node
}

// merged finds the files that Compose merges into the file where it is not told which to
// take: those that COMPOSE_FILE names behind it, or the override of a file that Compose
// finds by its name. If the file is itself merged into another, into is that one's path.
//
// https://docs.docker.com/compose/how-tos/multiple-compose-files/merge/
func (l *load) merged(name string) (into string, err error) {
	paths := l.inProject(name)
	own := slices.Index(paths, join(l.dir, name))
	if own < 0 || len(paths) < 2 {
		return "", nil
	}
	if own > 0 {
		return paths[0], nil
	}
	if err := limits.ComposeFiles.Check(int64(len(paths))); err != nil {
		return "", err
	}
	for _, path := range paths[1:] {
		f, err := readMerged(l.dir, path)
		if err != nil {
			return "", fmt.Errorf("reading %q: %w", f.name, withoutPath(err))
		}
		l.others = append(l.others, f)
	}
	return "", nil
}

func readMerged(dir, path string) (f mergedFile, err error) {
	f.name = path
	if relative, err := filepath.Rel(dir, path); err == nil {
		f.name = relative
	}
	if err = readable(path, true); err == nil {
		f.data, err = os.ReadFile(path)
	}
	if err == nil {
		f.docs, err = doctree.ParseAll(f.data)
	}
	return f, err
}

// inProject returns the paths of the files that Compose takes in the directory of a file.
func (l *load) inProject(name string) (paths []string) {
	environment := l.project.variables.environment
	if files := environment["COMPOSE_FILE"]; files != "" {
		separator := cmp.Or(environment["COMPOSE_PATH_SEPARATOR"], string(os.PathListSeparator))
		for _, path := range strings.Split(files, separator) {
			paths = append(paths, join(l.dir, path))
		}
		return paths
	}
	for _, names := range [][]string{cli.DefaultFileNames, cli.DefaultOverrideFileNames} {
		for _, name := range names { // of several, Compose takes the first
			if path := join(l.dir, name); exists(path) {
				paths = append(paths, path)
				break
			}
		}
	}
	return paths
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// configFiles returns the file, and those that are merged into it.
func (l *load) configFiles(data []byte) []types.ConfigFile {
	files := []types.ConfigFile{{Filename: fileName, Content: data}}
	for _, f := range l.others {
		files = append(files, types.ConfigFile{Filename: join(l.dir, f.name), Content: f.data})
	}
	return files
}

// noteOthers notes the services whose image or check comes from a file that is merged into
// this one.
func (l *load) noteOthers() {
	for _, f := range l.others {
		for _, doc := range f.docs {
			for _, service := range doc.Get("services").Map() {
				if value := untagged(service.Value); value.Get("healthcheck").Given() || value.Get("image").Given() {
					l.project.Included[service.Key.Text] = f.name
				}
			}
		}
	}
}
