package lint

import "github.com/ko-health/kohealth/builder/health"

// imageRules judge the check that an image has.
func imageRules() []Rule {
	return []Rule{
		{"unchecked", Info, "Nothing checks the container: it is healthy as long as it runs.", srcDocker, unchecked, healthchecks()},
		{"podman-oci", Info, "Podman reads a HEALTHCHECK only from images in Docker's format, and this one is in OCI's.", "https://github.com/containers/podman/issues/18904", podmanOCI, onlyOn(onDocker)},
		{"inherited", Warning, "The check is the base image's: ko makes none, and the app may not be what it asks.", "https://github.com/google/ko", inherited, onlyOn(onDocker)},
	}
}

func podmanOCI(c *container) []problem {
	if c.Runtime != onDocker || !c.Image.OCI || !c.runs() {
		return nil
	}
	fix := ""
	if c.isOurs() {
		fix = "kohealth build --image-format=docker ./cmd/app"
	}
	return at(c.Pos, fix, "Podman does not see the check: the image is in OCI's format")
}

func inherited(c *container) []problem {
	if c.Runtime != onDocker || !c.Image.Ko || c.Image.Kohealth || !c.runs() {
		return nil
	}
	return at(c.Pos, "kohealth build --health="+c.means()+" ./cmd/app", "the check is the base image's: %s", encode(c.Image.Check.Test))
}

func unchecked(c *container) []problem {
	switch {
	case c.hasCheck() || c.Check.form() == "NONE" || c.Runtime != onDocker && c.Image == nil,
		len(ecsIgnoresImage(c)) > 0 || len(essentialUnchecked(c)) > 0 || c.Check != nil && len(c.Check.Test) > 0:
		return nil
	}
	return at(c.Pos, c.useProbe(), "nothing checks whether it is healthy")
}

// means returns the target of the probe's that stands for the check, or auto.
func (c *container) means() string {
	for _, v := range c.Verdicts {
		if v.Probe != nil {
			return targetWord(v.Probe)
		}
	}
	return health.DefaultTest
}
