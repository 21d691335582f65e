package why

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/ko-health/kohealth/builder/lint"
	"github.com/ko-health/kohealth/builder/rootfs"
)

// An Image is one to be opened.
type Image struct {
	Ref      string      // as the platform calls it
	ID       string      // by which an engine on this machine may know it; "" is not known
	Platform v1.Platform // that it is for
}

// Options say how images are had.
type Options struct {
	// Open opens an image. A nil image is one that cannot be looked into. An image that is
	// an [io.Closer] is closed. Without it no image is looked into.
	Open func(context.Context, Image) (v1.Image, error)
}

// Judge has the check of every container judged, in its image unless all is well. What
// cannot be looked into is noted in s.Missing.
func (s *Subject) Judge(ctx context.Context, o Options) {
	if _, healthy := s.status(); healthy {
		o.Open = nil
	}
	for _, c := range s.Containers {
		if c.Platform == ECS {
			continue
		}
		s.note(c.judge(ctx, o))
	}
	for _, d := range s.definitions {
		s.note(s.judgeDefinition(ctx, d, o))
	}
}

func (s *Subject) note(err error) {
	if err != nil {
		s.Missing = append(s.Missing, fmt.Sprintf("the image: %v", err))
	}
}

func (c *Container) judge(ctx context.Context, o Options) (err error) {
	var img v1.Image
	if o.Open != nil {
		if img, err = o.Open(ctx, Image{c.Image, c.ImageID, v1.Platform{OS: "linux", Architecture: c.Arch}}); err != nil {
			img = nil
		}
	}
	if closer, ok := img.(io.Closer); ok {
		defer func() { err = errors.Join(err, closer.Close()) }()
	}
	if c.definition == "" {
		var judged error
		c.Findings, judged = lint.Running(ctx, c.Image, c.Run, img, lint.Options{})
		err = errors.Join(err, judged)
	}
	if img == nil {
		return err
	}
	return errors.Join(err, c.lookInto(img))
}

// judgeDefinition has lint judge a definition, and gives each container what is found about it.
func (s *Subject) judgeDefinition(ctx context.Context, d definition, o Options) error {
	options := lint.Options{}
	if o.Open != nil {
		options.Open = func(ctx context.Context, ref string, platform v1.Platform) (v1.Image, error) {
			return o.Open(ctx, Image{Ref: ref, Platform: platform})
		}
	}
	found, err := lint.File(ctx, d.name, d.raw, options)
	for _, c := range s.Containers {
		if c.definition != d.name {
			continue
		}
		for _, f := range found {
			if f.Container == c.specName {
				c.Findings = append(c.Findings, f)
			}
		}
	}
	return err
}

// lookInto looks which programs that can check the image has, and whom it is for.
func (c *Container) lookInto(img v1.Image) error {
	file, err := img.ConfigFile()
	if err != nil {
		return err
	}
	c.Arch = file.Architecture
	layers, err := img.Layers()
	if err != nil {
		return err
	}
	files := rootfs.New(layers)
	c.Programs, err = programs(files)
	c.LookedInto = err == nil
	return errors.Join(err, files.Close())
}

// checkers are programs that checks are made with, most wanted first.
var checkers = []string{"/usr/bin/healthcheck", "/usr/bin/curl", "/bin/curl", "/usr/bin/wget", "/bin/wget", "/usr/bin/nc", "/bin/nc", "/bin/busybox", "/bin/bash", "/bin/sh"}

func programs(files *rootfs.FS) (there []string, err error) {
	for _, name := range checkers {
		e, err := files.Lookup(name)
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return nil, err
		case (e.Type == tar.TypeReg || e.Type == tar.TypeLink) && !slices.ContainsFunc(there, func(t string) bool { return path.Base(t) == path.Base(name) }):
			there = append(there, name)
		}
	}
	return there, nil
}

// has describes the programs that the image has in place of one that it lacks.
func (c *Container) has() string {
	if !c.LookedInto {
		return ""
	}
	if len(c.Programs) == 0 {
		return "; the image has no shell, and no program that could check"
	}
	return "; the image has " + strings.Join(c.Programs, ", ")
}
