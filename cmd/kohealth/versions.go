package main

import "runtime/debug"

// versions are what this binary was built from.
type versions struct{ kohealth, ko, golang string }

func (v versions) userAgent() string { return "kohealth/" + v.kohealth }

func readVersions() versions {
	v := versions{kohealth: "(devel)", ko: "(devel)"}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return v
	}
	v.golang = info.GoVersion
	if info.Main.Version != "" {
		v.kohealth = info.Main.Version
	}
	for _, dep := range info.Deps {
		if dep.Path == "github.com/google/ko" {
			v.ko = dep.Version
		}
	}
	return v
}
