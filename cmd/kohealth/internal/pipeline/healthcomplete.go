package pipeline

import (
	"github.com/spf13/cobra"

	"github.com/ko-health/kohealth/builder/health"
	"github.com/ko-health/kohealth/builder/oci"
	"github.com/ko-health/kohealth/cmd/kohealth/internal/cli"
	"github.com/ko-health/kohealth/cmd/kohealth/internal/files"
	"github.com/ko-health/kohealth/layers/apk"
)

// CompleteHealth completes the flags of a command that gives images a check.
func CompleteHealth(cmd *cobra.Command, hf *HealthFlags) {
	cli.CompleteFlags(cmd, map[string]cobra.CompletionFunc{
		"health-tool":    cli.OneOf(health.ToolProbe, health.ToolBusybox),
		"health-package": hf.completePackage,
		FormatFlag:       cli.OneOf(string(oci.OCIFormat), string(oci.DockerFormat)),
		"platform":       cli.ListOf(append(PlatformWords(), "all")...),
		"sbom":           cli.OneOf("spdx", "none"),
	})
}

// completePackage completes the names of the packages of the repositories that are
// configured, as far as they are in the cache.
func (hf *HealthFlags) completePackage(cmd *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
	said, _, err := ReadVariables()
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var file health.File
	if path := files.ConfigFile("."); path != "" {
		file, _ = health.ReadFile(path) // kohealth build says what is wrong with it
	}
	settings := hf.Said.Over(said).Over(file.For(health.BuildID{}))
	client := &apk.Client{Cache: files.CacheDir()}
	for _, arch := range []string{"x86_64", "aarch64"} {
		names, err := client.Names(cmd.Context(), apk.Request{Arch: arch, Repositories: settings.Repositories, Keys: settings.Keys})
		if err == nil {
			return cli.ListOf(names...)(cmd, nil, typed)
		}
	}
	return nil, cobra.ShellCompDirectiveNoFileComp
}
