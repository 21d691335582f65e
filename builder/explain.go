package builder

import (
	"strings"

	"github.com/ko-health/kohealth/builder/hint"
	"github.com/ko-health/kohealth/layers"
)

// explain adds the next step to an error of ko's.
func explain(err error) error {
	switch {
	case err == nil:
		return nil
	case strings.Contains(err.Error(), "no matching platforms in base image index"),
		strings.Contains(err.Error(), "does not match desired platforms"):
		return hint.With(err, "ask for a platform that the base image has, or set KO_DEFAULTBASEIMAGE="+layers.StaticRef+
			", kohealth's own, which has every Linux platform")
	case strings.Contains(err.Error(), "fetching base image") && strings.Contains(err.Error(), "_UNKNOWN"):
		return hint.With(err, "check the name and tag in KO_DEFAULTBASEIMAGE, defaultBaseImage or baseImageOverrides")
	case strings.Contains(err.Error(), "fetching base image") &&
		(strings.Contains(err.Error(), "UNAUTHORIZED") || strings.Contains(err.Error(), "DENIED")):
		return hint.With(err, "log in with kohealth login REGISTRY, and check the name in KO_DEFAULTBASEIMAGE, defaultBaseImage or baseImageOverrides")
	case strings.Contains(err.Error(), "fetching base image"):
		return hint.With(err, "set KO_DEFAULTBASEIMAGE="+layers.StaticRef+" for the base image inside kohealth, which needs no network")
	}
	return err
}
