package main

import (
	"github.com/spf13/cobra"

	"github.com/ko-health/kohealth/builder/health"
	"github.com/ko-health/kohealth/builder/oci"
	"github.com/ko-health/kohealth/layers/apk"
)

// completeHealth completes the flags of a command that gives images a check.
func completeHealth(cmd *cobra.Command, hf *healthFlags) {
	completeFlags(cmd, map[string]cobra.CompletionFunc{
		"health-tool":    oneOf(health.ToolProbe, health.ToolBusybox),
		"health-package": hf.completePackage,
		formatFlag:       oneOf(string(oci.OCIFormat), string(oci.DockerFormat)),
		"platform":       listOf(append(platformWords(), "all")...),
		"sbom":           oneOf("spdx", "none"),
	})
}

// completePackage completes the names of the packages of the repositories that are
// configured, as far as they are in the cache.
func (hf *healthFlags) completePackage(cmd *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
	said, _, err := readVariables()
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var file health.File
	if path := configFile("."); path != "" {
		file, _ = health.ReadFile(path) // kohealth build says what is wrong with it
	}
	settings := hf.said.Over(said).Over(file.For(health.BuildID{}))
	client := &apk.Client{Cache: cacheDir()}
	for _, arch := range []string{"x86_64", "aarch64"} {
		names, err := client.Names(cmd.Context(), apk.Request{Arch: arch, Repositories: settings.Repositories, Keys: settings.Keys})
		if err == nil {
			return listOf(names...)(cmd, nil, typed)
		}
	}
	return nil, cobra.ShellCompDirectiveNoFileComp
}
