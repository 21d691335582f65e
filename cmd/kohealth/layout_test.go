package main

import (
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestDependencies pins which packages of kohealth's a package may depend on, so
// that they point one way: cmd, builder, layers, builder/health.
func TestDependencies(t *testing.T) {
	leaves := []string{"builder/health/probeargs", "builder/hint", "builder/quote"}
	printing := []string{"builder/escape"}
	health := append([]string{"builder/health", "builder/limits"}, leaves...)
	layers := append([]string{"layers", "layers/cache"}, health...)
	equip := append([]string{"builder/equip", "builder/executable", "builder/oci", "builder/rootfs", "builder/verified", "builder/images", "layers/apk"}, layers...)
	lint := slices.Concat([]string{"builder/lint", "builder/composefile", "builder/dockerfile", "builder/hclfile", "builder/judge", "builder/executable", "builder/kube", "builder/doctree", "builder/rootfs", "builder/verified", "layers/cache"}, printing, health)
	for pkg, want := range map[string][]string{
		"builder/hint":             {"builder/hint"},
		"builder/quote":            {"builder/quote"},
		"builder/escape":           printing,
		"builder/health/probeargs": {"builder/health/probeargs"},
		"builder/health":           health,
		"layers/cache":             {"layers/cache"},
		"layers/winetest":          {"layers/winetest"},
		"layers/probe":             {"layers/probe", "builder/health/probeargs"},
		"layers":                   layers,
		"builder/limits":           {"builder/limits"},
		"builder/verified":         {"builder/verified", "builder/limits"},
		"builder/rootfs":           {"builder/rootfs", "builder/limits", "builder/verified", "layers/cache"},
		"builder/kube":             {"builder/kube", "builder/doctree", "builder/limits"},
		"builder/render":           append([]string{"builder/render", "builder/kube", "builder/doctree"}, health...),
		"builder/doctree":          {"builder/doctree", "builder/limits"},
		"builder/dockerfile":       {"builder/dockerfile", "builder/doctree", "builder/limits", "builder/quote"},
		"builder/lint":             lint,
		"builder/hclfile":          {"builder/hclfile", "builder/doctree", "builder/limits"},
		"builder/judge":            append([]string{"builder/judge", "builder/executable", "builder/rootfs", "builder/verified", "layers/cache"}, health...),
		"builder/walk":             {"builder/walk", "builder/limits"},
		"builder/composefile":      {"builder/composefile", "builder/limits", "builder/doctree"},
		"builder/taskdef":          append([]string{"builder/taskdef", "builder/render", "builder/kube", "builder/doctree"}, health...),
		"builder/ecr":              {"builder/ecr", "builder/hint"},
		"builder/why":              append([]string{"builder/why"}, lint...),
		"builder/trial":            append([]string{"builder/trial"}, layers...),
		"builder/discover":         append([]string{"builder/discover"}, health...),
		"builder/kofile":           append([]string{"builder/kofile", "builder/doctree"}, health...),
		"builder/images":           append([]string{"builder/images", "builder/verified"}, health...),
		"layers/apk":               append([]string{"layers/apk", "builder/rootfs", "builder/verified"}, layers...),
		"builder/executable":       {"builder/executable"},
		"builder/oci":              append([]string{"builder/oci", "builder/verified"}, health...),
		"builder/equip":            equip,
		"builder/sbom":             append([]string{"builder/sbom"}, equip...),
		"builder":                  append([]string{"builder", "builder/judge", "builder/sbom"}, equip...),
	} {
		slices.Sort(want)
		if diff := cmp.Diff(want, ownDeps(t, pkg)); diff != "" {
			t.Errorf("packages that %s is made of (-want +got):\n%s", pkg, diff)
		}
	}
}

// TestCommandDependencies pins which of the command's own packages are made of which.
func TestCommandDependencies(t *testing.T) {
	const internal = "cmd/kohealth/internal/"
	for pkg, want := range map[string][]string{
		"action":     {"cli", "files", "kocompat", "pipeline", "process", "registry", "shellwords", "term", "version"},
		"cli":        {"term"},
		"files":      {"term"},
		"kocompat":   {"files", "registry", "term", "version"},
		"pipeline":   {"cli", "files", "kocompat", "process", "registry", "term", "version"},
		"process":    {"cli", "files", "term"},
		"registry":   {"term", "version"},
		"shellwords": nil,
		"term":       nil,
		"version":    nil,
	} {
		var got []string
		for _, dep := range ownDeps(t, internal+pkg) {
			if name, ok := strings.CutPrefix(dep, internal); ok && name != pkg {
				got = append(got, name)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("packages of the command that %s is made of (-want +got):\n%s", pkg, diff)
		}
	}
}

// TestProbeDependencies pins that the probe has nothing in it but the standard
// library, and of that nothing big.
func TestProbeDependencies(t *testing.T) {
	for _, dep := range deps(t, "layers/probe") {
		if strings.Contains(dep, ".") && !strings.HasPrefix(dep, module) {
			t.Errorf("the probe depends on %s", dep)
		}
		if slices.Contains([]string{"fmt", "net", "net/http", "reflect", "crypto/tls"}, dep) {
			t.Errorf("the probe depends on %s, which is too big", dep)
		}
	}
}

const module = "github.com/ko-health/kohealth/"

func ownDeps(t *testing.T, pkg string) []string {
	t.Helper()
	var own []string
	for _, dep := range deps(t, pkg) {
		if local, ok := strings.CutPrefix(dep, module); ok {
			own = append(own, local)
		}
	}
	slices.Sort(own)
	return own
}

func deps(t *testing.T, pkg string) []string {
	t.Helper()
	cmd := exec.Command("go", "list", "-deps", module+pkg)
	cmd.Env = append(cmd.Environ(), "GOOS=linux")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list -deps %s: %v", pkg, err)
	}
	return strings.Fields(string(out))
}
