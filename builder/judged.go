package builder

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/ko-health/kohealth/builder/health"
	"github.com/ko-health/kohealth/builder/hint"
	"github.com/ko-health/kohealth/builder/judge"
	"github.com/ko-health/kohealth/builder/rootfs"
)

// judge refuses an image whose check cannot pass in it, before anything is published.
// What is hardly meant is told.
func (r *rewriter) judge(ctx context.Context, d *draft, img v1.Image) (err error) {
	test := d.check.Config().Test
	if d.platform.OS != "linux" || d.check.Test.Kind == health.None || d.added.kept || len(test) == 0 {
		return nil
	}
	c, files, err := containerOf(img)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, files.Close()) }()
	found, err := judge.Judge(ctx, judge.Check{Test: test, Timeout: d.check.Timeout}, c)
	if err != nil {
		return err
	}
	var refused []judge.Verdict
	for _, v := range found {
		switch {
		case slices.Contains(d.check.Ignore, v.Rule):
		case v.Severity == judge.Error && !(r.original != nil && v.Rule == "not-ko-app"): // ko may yet build on it
			refused = append(refused, v)
		default:
			r.say("warning: health check: %s [%s]", v.Message, v.Rule)
		}
	}
	if len(refused) == 0 {
		return nil
	}
	return hint.With(fmt.Errorf("the health check %s cannot pass: %s", d.check.Test, describe(refused)), r.instead(refused[0]))
}

// describe says why a check cannot pass.
func describe(refused []judge.Verdict) string {
	var reasons []string
	for _, v := range refused {
		reasons = append(reasons, fmt.Sprintf("%s [%s]", v.Message, v.Rule))
	}
	return strings.Join(reasons, "; ")
}

// instead says what to do about a check that cannot pass.
func (r *rewriter) instead(v judge.Verdict) string {
	switch {
	case len(v.Test) > 0:
		return fmt.Sprintf("write %q; --ignore=%s builds it all the same", v.Test, v.Rule)
	case len(v.Probe) > 0:
		return fmt.Sprintf("give the probe a target instead: --health=%s", strings.Join(v.Probe, " "))
	case v.Rule == "no-shell":
		return "give the probe a target instead, such as --health=http://:8080/healthz, or add a shell with --health-tool=busybox"
	}
	return fmt.Sprintf("give the probe a target instead, such as --health=http://:8080/healthz; --ignore=%s builds it all the same", v.Rule)
}

// containerOf is the container that an image alone makes. What its app sets in an
// environment of its own, and who runs it with which other variables, is not known.
func containerOf(img v1.Image) (c judge.Container, files *rootfs.FS, err error) {
	file, err := img.ConfigFile()
	if err != nil {
		return c, nil, err
	}
	all, err := img.Layers()
	if err != nil {
		return c, nil, err
	}
	files = rootfs.New(all)
	config := file.Config
	c = judge.Container{
		Files:      judge.NewFiles(files),
		Platform:   v1.Platform{OS: file.OS, Architecture: file.Architecture, Variant: file.Variant},
		Env:        map[string]judge.Variable{},
		EnvOpen:    true,
		MountsOpen: true,
		User:       config.User,
		WorkingDir: config.WorkingDir,
		Entrypoint: config.Entrypoint,
		Command:    slices.Concat(config.Entrypoint, config.Cmd),
		Kohealth:   slices.ContainsFunc(file.History, isOurs),
	}
	for _, kv := range config.Env {
		name, value, _ := strings.Cut(kv, "=")
		c.Env[name] = judge.Variable{Value: value}
	}
	return c, files, nil
}
