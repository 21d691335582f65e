package builder

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/ko-health/kohealth/builder/health"
	"github.com/ko-health/kohealth/builder/hint"
	"github.com/ko-health/kohealth/builder/judge"
	"github.com/ko-health/kohealth/builder/limits"
	"github.com/ko-health/kohealth/builder/oci"
	"github.com/ko-health/kohealth/builder/quote"
	"github.com/ko-health/kohealth/builder/rootfs"
)

// judge refuses an image whose check cannot pass in it, before anything is published.
// It warns of checks that can pass and are hardly meant so.
func (r *task) judge(ctx context.Context, d *draft, img v1.Image) error {
	raw, err := img.RawConfigFile()
	if err != nil {
		return err
	}
	check, err := health.OfImage(raw) // which may be the base image's own
	if err != nil || check == nil || d.platform.OS != "linux" || d.kept {
		return err
	}
	c, err := r.containerOf(img, d.hasProbe(check.Test))
	if err != nil {
		return err
	}
	found, err := judge.Judge(ctx, judge.Check{Test: check.Test, Timeout: check.Timeout}, c)
	if err != nil {
		return err
	}
	var refused []judge.Verdict
	for _, v := range found {
		switch {
		case slices.Contains(d.check.Ignore, v.Rule):
		case v.Severity == judge.Error && !(r.awaitsApp && v.Rule == "not-ko-app"): // ko may yet build on it
			refused = append(refused, v)
		default:
			r.say("warning: health check: %s [%s]", v.Message, v.Rule)
		}
	}
	if len(refused) == 0 {
		return nil
	}
	what := d.check.Test.String()
	if !slices.Equal(check.Test, d.check.ConfigOn(d.platform.OS).Test) {
		what = quote.JSON(check.Test) + " of the base image"
	}
	return hint.With(fmt.Errorf("the health check %s cannot pass: %s", what, reasons(refused)), r.instead(refused[0]))
}

// hasProbe reports whether a test runs the probe that kohealth has put into the image,
// so that its program need not be looked for.
func (d *draft) hasProbe(test []string) bool {
	return len(test) > 1 && test[0] == "CMD" && test[1] == health.ProbePath && (d.added.Probe != nil || d.HasMarks())
}

// reasons says why a check cannot pass.
func reasons(refused []judge.Verdict) string {
	var all []string
	for _, v := range refused {
		all = append(all, fmt.Sprintf("%s [%s]", v.Message, v.Rule))
	}
	return strings.Join(all, "; ")
}

// instead says what to do about a check that cannot pass.
func (r *task) instead(v judge.Verdict) string {
	switch {
	case len(v.Test) > 0:
		return fmt.Sprintf("write %s; --ignore=%s builds it all the same", quote.JSON(v.Test), v.Rule)
	case len(v.Probe) > 0:
		return "give the probe a target instead: --health=" + quote.Shell(health.Test{Kind: health.Probe, Args: v.Probe}.String())
	case v.Rule == "no-shell":
		return "give the probe a target instead, such as --health=http://:8080/healthz, or add a shell with --health-tool=busybox"
	}
	return fmt.Sprintf("give the probe a target instead, such as --health=http://:8080/healthz; --ignore=%s builds it all the same", v.Rule)
}

// containerOf is the container that an image alone makes. What its app sets in an
// environment of its own, and who runs it with which other variables, is not known. Its
// files are left out if the check needs none.
func (r *task) containerOf(img v1.Image, noFiles bool) (c judge.Container, err error) {
	file, err := img.ConfigFile()
	if err != nil {
		return c, err
	}
	c = judge.OfImage(file)
	c.Kohealth = slices.ContainsFunc(file.History, oci.IsMark)
	if noFiles {
		return c, nil
	}
	all, err := img.Layers()
	if err != nil {
		return c, err
	}
	fsys, err := rootfs.Read(all, r.files())
	c.Files = judge.NewFiles(keptFiles{fsys})
	return c, err
}

// keptFiles opens files that are read once and kept, so that an unchanged build reads no
// layer.
type keptFiles struct{ *rootfs.FS }

// Open opens a regular file.
func (f keptFiles) Open(name string) (io.Reader, error) {
	data, err := f.ReadFile(name, limits.Program)
	return bytes.NewReader(data), err
}
