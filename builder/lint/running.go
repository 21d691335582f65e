package lint

import (
	"context"
	"errors"
	"fmt"
	"maps"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/ko-health/kohealth/builder/doctree"
	"github.com/ko-health/kohealth/builder/health"
)

// A Run is a container as an engine runs it, with what is the image's.
type Run struct {
	Check      *health.Config // as the engine runs it; nil if there is none
	Env        map[string]string
	User       string // "" is root
	WorkingDir string
	ReadOnly   bool     // the root file system cannot be written
	Mounts     []string // paths that something is mounted over
	Written    []string // paths that the container has added, changed or removed
	Ports      []int    // that are published or exposed
	Command    []string // what was started, with its entrypoint
}

// Running finds what is wrong with the check of a container that runs, or ran. The name
// serves for findings. Without an image, the check is judged by what the engine says
// alone.
func Running(ctx context.Context, name string, run Run, img v1.Image, o Options) ([]Finding, error) {
	looked := &image{Platform: v1.Platform{OS: "linux"}, Check: run.Check, file: &v1.ConfigFile{OS: "linux"}}
	var err error
	if img != nil {
		looked, err = newImage(name, img)
	}
	if err != nil {
		return nil, fmt.Errorf("looking into the image of %s: %w", name, err)
	}
	c := run.container()
	err = c.look(ctx, looked)
	if img != nil {
		err = errors.Join(err, looked.close())
	}
	if err != nil {
		return nil, fmt.Errorf("looking into the image of %s: %w", name, err)
	}
	return o.judge(name, []*group{c.group}), nil
}

// container returns what the rules judge by.
func (r Run) container() *container {
	c := &container{
		Essential: true, Check: imageCheck(r.Check, nil, doctree.Pos{}), Env: maps.Clone(r.Env),
		User: text(r.User), Dir: r.WorkingDir, ReadOnly: r.ReadOnly, Added: r.Written, Ports: r.Ports, Entrypoint: words{Given: r.Command != nil, List: r.Command},
	}
	if c.Check != nil {
		c.Check.OfImage = false
	}
	for _, m := range r.Mounts {
		c.Mounts = append(c.Mounts, text(m))
	}
	newGroup(c)
	return c
}

func text(s string) *doctree.Node { return &doctree.Node{Kind: doctree.Scalar, Text: s} }
