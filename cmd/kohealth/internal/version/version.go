// Package version says what this binary was built from.
package version

import "runtime/debug"

// Info are what this binary was built from.
type Info struct{ Kohealth, Ko, Golang string }

// UserAgent returns how kohealth introduces itself to registries.
func (v Info) UserAgent() string { return "kohealth/" + v.Kohealth }

// Read reads what the Go toolchain has written into this binary. What was built
// without a version is "(devel)".
func Read() Info {
	v := Info{Kohealth: "(devel)", Ko: "(devel)"}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return v
	}
	v.Golang = info.GoVersion
	if info.Main.Version != "" {
		v.Kohealth = info.Main.Version
	}
	for _, dep := range info.Deps {
		if dep.Path == "github.com/google/ko" {
			v.Ko = dep.Version
		}
	}
	return v
}
