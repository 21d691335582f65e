package builder

import (
	"cmp"
	"context"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/ko-health/kohealth/builder/equip"
	"github.com/ko-health/kohealth/builder/health"
	"github.com/ko-health/kohealth/builder/sbom"
)

// A task is what is asked for in one call, and what it is done with.
type task struct {
	Options
	check health.Check
	tools *equip.Tools
	sboms *sbom.Documents
	*report

	awaitsApp bool // ko may yet add one
}

// newTask returns a task, and passes on the check's warnings.
func newTask(o Options, check health.Check) *task {
	t := &task{
		Options: o,
		check:   check,
		sboms:   &sbom.Documents{Version: o.Version, Dir: o.SBOMDir},
		report:  &report{logf: o.Logf},
	}
	t.tools = &equip.Tools{Compiler: o.Compiler, Packages: o.Packages, Format: o.Format, Files: o.files(), Say: t.say}
	for _, w := range check.Warnings() {
		t.say("warning: %s", w)
	}
	return t
}

// equip adds what the draft's check needs, and takes the check as it is then.
func (t *task) equip(ctx context.Context, d *draft) (err error) {
	d.added, err = t.tools.Equip(ctx, d.Image, d.platform, d.check)
	d.check = d.added.Check
	if err != nil {
		return err
	}
	return d.Config.SetHealthcheck(d.check.ConfigOn(d.platform.OS))
}

// platformOf returns the platform that ko has compiled for. Like ko it takes a config
// that names none for linux/amd64, and the variant may be known from what was asked
// for only.
func (t *task) platformOf(cf *v1.ConfigFile) *v1.Platform {
	p := v1.Platform{
		OS:           cmp.Or(cf.OS, "linux"),
		Architecture: cmp.Or(cf.Architecture, "amd64"),
		OSVersion:    cf.OSVersion,
		Variant:      cf.Variant,
	}
	for _, asked := range t.Platforms {
		if p.Variant == "" && asked.OS == p.OS && asked.Architecture == p.Architecture {
			p.Variant = asked.Variant
		}
	}
	return &p
}
