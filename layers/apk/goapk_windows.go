package apk

import (
	"context"
	"errors"

	"github.com/ko-health/kohealth/builder/hint"
)

// go-apk does not build for Windows.

func choose(context.Context, []*Package, []*Package, []constraint) ([]*Package, error) {
	return nil, hint.With(errors.New("packages cannot be added on Windows, for which the resolver does not build"),
		"build on Linux or macOS, or in WSL")
}

func compareVersions(string, string) (int, error) {
	return 0, errors.ErrUnsupported
}
