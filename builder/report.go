package builder

import (
	"fmt"
	"slices"
	"sync"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/ko-health/kohealth/builder/equip"
	"github.com/ko-health/kohealth/builder/health"
)

// A report tells the user what happens, and in the end what was added.
type report struct {
	logf func(format string, args ...any)
	by   string // what checks; "" if it is the probe
	of   string // the import path; "" if there is none

	mu        sync.Mutex
	said      []string
	platforms []v1.Platform // of the images that there are
	added     bool          // some platform got the check
	probes    []int64       // compressed sizes, one a platform
	probeAt   string        // where it is; on Linux, if there are others
}

// say tells the user something once, however many platforms it is true of.
func (r *report) say(format string, args ...any) {
	line := fmt.Sprintf(format, args...)
	r.mu.Lock()
	defer r.mu.Unlock()
	if !slices.Contains(r.said, line) {
		r.said = append(r.said, line)
		r.logf("%s", line)
	}
}

// count notes that there is an image for a platform.
func (r *report) count(p v1.Platform) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.platforms = append(r.platforms, p)
}

// note notes that an image got the check and what that needs.
func (r *report) note(added equip.Added) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.added = true
	if added.Probe == nil {
		return nil
	}
	if r.probeAt != health.ProbePath {
		r.probeAt = added.ProbeAt
	}
	size, err := added.Probe.Size()
	r.probes = append(r.probes, size)
	return err
}

// missing reports whether a platform was asked for and is not there. ko fails only if
// none is. A config need not say the variant that the base's index says.
func (r *report) missing(asked v1.Platform) bool {
	return !slices.ContainsFunc(r.platforms, func(p v1.Platform) bool {
		sameVariant := p.Variant == asked.Variant || p.Variant == "" || asked.Variant == ""
		return p.OS == asked.OS && p.Architecture == asked.Architecture && sameVariant
	})
}

// summarise says in one line what was added, and warns of the platforms that were asked for
// and are not there.
func (r *report) summarise(asked []v1.Platform, check health.Check) {
	for _, p := range asked {
		if r.missing(p) {
			r.say("warning: the base image has no %s, so there is no image for it", p)
		}
	}
	if !r.added {
		return
	}
	line := fmt.Sprintf("health: %s", check)
	if !check.Chosen {
		line += " (default)"
	}
	if r.by != "" {
		line += "; " + r.by
	}
	if len(r.probes) > 0 {
		line += fmt.Sprintf("; %s %d KB", r.probeAt, (slices.Max(r.probes)+500)/1000)
	}
	if len(r.probes) > 1 {
		line += fmt.Sprintf(" on each of %d platforms", len(r.probes))
	}
	if r.of != "" {
		line += " for " + r.of
	}
	r.say("%s", line)
}
