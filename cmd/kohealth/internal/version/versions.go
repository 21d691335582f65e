package version

import "runtime/debug"

// Info are what this binary was built from.
type Info struct{ Kohealth, Ko, Golang string }

func (v Info) UserAgent() string { return "kohealth/" + v.Kohealth }

func ReadVersions() Info {
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
