package lint

import (
	"bytes"
	"context"
	"path"
	"regexp"
	"strconv"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/moby/buildkit/frontend/dockerfile/command"

	"github.com/ko-health/kohealth/builder/dockerfile"
	"github.com/ko-health/kohealth/builder/doctree"
	"github.com/ko-health/kohealth/builder/judge"
)

// isDockerfile reports whether a file is a Dockerfile: by its name, by the most of one and
// an instruction at its beginning (Dockerfile.5.md has none), or by a FROM before anything
// else but ARG and comments.
func isDockerfile(f *file) bool {
	name := strings.ToLower(path.Base(f.name))
	for _, known := range []string{"dockerfile", "containerfile"} {
		if name == known {
			return true
		}
		if strings.HasPrefix(name, known+".") || strings.HasPrefix(name, known+"-") || strings.HasSuffix(name, "."+known) {
			return beginsWithInstruction(f.data)
		}
	}
	return path.Ext(name) == "" && beginsWithFrom.Match(f.data)
}

// beginsWithInstruction reports whether the first line that is not empty and no comment is
// an instruction, or what a template has. A file without such a line counts, too.
func beginsWithInstruction(data []byte) bool {
	for line := range bytes.Lines(bytes.TrimPrefix(data, []byte("\uFEFF"))) {
		words := bytes.Fields(line)
		if len(words) == 0 || words[0][0] == '#' {
			continue
		}
		_, known := command.Commands[strings.ToLower(string(words[0]))]
		return known || lineAction.Match(line)
	}
	return true
}

var beginsWithFrom = regexp.MustCompile(`(?i)^\x{FEFF}?(\s*(#.*|ARG\s+.*)?\n)*\s*FROM\s+\S+`)

// A stage is a container's in a Dockerfile.
type stage struct {
	*dockerfile.Stage
	file  *dockerfile.File
	state *dockerfile.State
	asked *v1.Platform // by FROM; nil is not said
}

// scratch is no image: it is empty.
const scratch = "scratch"

// readDockerfile reads the last stage, and those that have a check of their own which is
// not the last one's.
//
// https://docs.docker.com/reference/dockerfile/#healthcheck
func readDockerfile(ctx context.Context, f *file, _ Options) ([]*group, error) {
	parsed, err := dockerfile.Parse(f.data)
	if err != nil {
		return nil, err
	}
	g := &group{Runtime: onBuild, Style: dockerfileStyle, platformUnsure: true, Platform: v1.Platform{OS: "linux", Architecture: "amd64"}}
	last := parsed.Last()
	for _, s := range parsed.Stages {
		inherited := s.IsPartOf(last) && len(last.Checks) == 0
		if s != last && (len(s.Checks) == 0 || inherited) {
			continue
		}
		if err := g.addStage(ctx, parsed, s); err != nil {
			return nil, err
		}
	}
	return []*group{g}, nil
}

func (g *group) addStage(ctx context.Context, f *dockerfile.File, s *dockerfile.Stage) error {
	c := &container{group: g, Name: s.Name, Pos: s.Pos, Essential: true, stage: &stage{Stage: s, file: f}}
	if p, err := v1.ParsePlatform(s.Platform()); err == nil && p.Architecture != "" && !isOpen(s.Platform()) {
		c.stage.asked = p
	}
	g.Containers = append(g.Containers, c)
	if s.Image() == scratch {
		img, err := newImage(scratch, empty.Image)
		if err != nil {
			return err
		}
		img.Platform = g.Platform
		return c.look(ctx, img)
	}
	c.ImageRef = &doctree.Node{Kind: doctree.Scalar, Text: s.Image(), Pos: s.Pos}
	c.evaluate(nil)
	return nil
}

// evaluate fills in what becomes of the stage that begins with an image, of which nil is
// not known. A HEALTHCHECK replaces that of the image as a whole.
func (c *container) evaluate(img *image) {
	var base *dockerfile.Base
	if img != nil {
		base = &dockerfile.Base{Env: img.Config.Env, Dir: img.Config.WorkingDir}
	}
	s := c.stage.file.Evaluate(c.stage.Stage, base)
	c.stage.state = s
	c.Env, c.EnvOpen, c.Dir = s.Env, s.EnvOpen, s.Dir
	c.Own = c.stage.asked
	if s.Windows && c.Own == nil && (img == nil || img.Platform.OS == "windows") { // the image knows better
		c.Own = &v1.Platform{OS: "windows", Architecture: "amd64"}
	}
	if s.User != nil {
		c.User = &doctree.Node{Kind: doctree.Scalar, Text: s.User.Text, Pos: s.User.Pos}
	}
	c.Entrypoint, c.Command = words{Given: s.Entry != nil, List: s.Entry}, words{Given: s.Command != nil, List: s.Command}
	c.Ports = exposed(s.Ports)
	if img != nil {
		for port := range img.Config.ExposedPorts {
			c.Ports = append(c.Ports, exposed([]string{port})...)
		}
	}
	switch {
	case s.Check != nil:
		c.readHealthcheck(s.Check)
	case img != nil:
		c.Check = imageCheck(img.Check, nil, c.Pos)
	}
}

// exposed returns the TCP ports that EXPOSE names.
func exposed(names []string) (ports []int) {
	for _, name := range names {
		number, protocol, _ := strings.Cut(name, "/")
		if port, err := strconv.Atoi(number); err == nil && (protocol == "" || strings.EqualFold(protocol, "tcp")) {
			ports = append(ports, port)
		}
	}
	return ports
}

func (c *container) readHealthcheck(h *dockerfile.Check) {
	c.Check = &check{Pos: h.Pos}
	for _, w := range h.Test {
		c.Check.Test = append(c.Check.Test, arg{Text: w.Text, Pos: w.Pos})
	}
	c.Check.Interval = optionDuration(h.Options["interval"])
	c.Check.Timeout = optionDuration(h.Options["timeout"])
	c.Check.StartPeriod = optionDuration(h.Options["start-period"])
	c.Check.StartInterval = optionDuration(h.Options["start-interval"])
	if retries := h.Options["retries"]; retries.Text != "" {
		c.Check.Retries = readNumber(&doctree.Node{Kind: doctree.Scalar, Text: retries.Text, Pos: retries.Pos})
	}
	c.Said = c.Check
	if h.Refused != nil {
		c.Refused = h.Refused
	}
}

// optionDuration reads a duration as Docker does: 0 is its default.
func optionDuration(o dockerfile.Option) duration {
	if o.Text == "" {
		return duration{}
	}
	d, err := time.ParseDuration(o.Text)
	if err != nil {
		return duration{Bad: o.Text, Pos: o.Pos}
	}
	return duration{Value: d, Given: d != 0, Pos: o.Pos}
}

// runs reports whether a stage runs commands, after which little is sure of its files.
func (s *stage) runs() bool { return s != nil && len(s.state.Runs) > 0 }

// adds tells the judge what a stage adds to its image.
func (s *stage) adds(j *judge.Container) {
	if s == nil {
		return
	}
	j.Added, j.Dirs = s.state.Added, s.state.Dirs
	if s.runs() {
		j.Added = []string{"/"}
		j.Lacks = func(program string) bool { return !s.state.MayBring(program) }
	}
}
