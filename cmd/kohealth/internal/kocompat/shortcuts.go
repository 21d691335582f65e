package kocompat

import (
	"bytes"
	"context"
	"debug/elf"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/tools/go/packages"

	"github.com/ko-health/kohealth/builder/quote"
	"github.com/ko-health/kohealth/cmd/kohealth/internal/files"
)

// ko starts go to learn what kohealth knows: for each platform, which directory a
// package is in; and with go tool buildid, which since Go 1.25 takes longer than all
// of an unchanged go build, what stands in the first bytes of a program. Shortcuts are
// scripts that ko starts in its place, which pass everything else on to go.
//
// A driver of packages answers go/packages in the place of go list:
// https://pkg.go.dev/golang.org/x/tools/go/packages#hdr-The_driver_protocol
const (
	GoVariable     = "KO_GO_PATH"
	driverVariable = "GOPACKAGESDRIVER"
)

// ShortenGo puts a script in the place of the go command in ko's eyes, where scripts
// can run and the user's own choice of a command allows it.
func ShortenGo(ctx context.Context, goCmd string) {
	self, err := os.Executable()
	if own := os.Getenv(GoVariable); err != nil || own != "" && !filepath.IsAbs(own) {
		return
	}
	script := fmt.Sprintf("case \"$1 $2\" in\n' ') exit ;;\n'tool buildid') exec %s %s %s \"$3\" ;;\nesac\nexec %[3]s \"$@\"\n",
		quote.Shell(self), BuildIDCommand, quote.Shell(goCmd))
	useScript(ctx, GoVariable, script)
}

// ShortenList has go/packages find the packages that are known already.
func ShortenList(ctx context.Context, known []*packages.Package) {
	if _, err := exec.LookPath("gopackagesdriver"); err == nil || os.Getenv(driverVariable) != "" {
		return // the user has one
	}
	var script strings.Builder
	script.WriteString("case \"$*\" in\n")
	for _, pkg := range known {
		answer, err := json.Marshal(packages.DriverResponse{Compiler: "gc", Roots: []string{pkg.ID}, Packages: []*packages.Package{pkg}})
		if err != nil {
			return
		}
		fmt.Fprintf(&script, "%s) printf %%s %s ;;\n", quote.Shell(pkg.PkgPath), quote.Shell(string(answer)))
	}
	script.WriteString("*) printf '{\"NotHandled\":true}' ;;\nesac\n")
	useScript(ctx, driverVariable, script.String())
}

// useScript writes a script into the temporary directory and names it in a variable,
// if it runs: it does not where the file system forbids it or there is no shell.
// Without it the build only takes longer.
func useScript(ctx context.Context, variable, script string) {
	path := filepath.Join(os.TempDir(), strings.ToLower(variable))
	if runtime.GOOS == "windows" || os.WriteFile(path, []byte("#!/bin/sh\n"+script), 0o755) != nil {
		return
	}
	if exec.CommandContext(ctx, path).Run() == nil {
		_ = os.Setenv(variable, path)
	}
}

// KeepGo returns what takes shortcuts back, for when the temporary directory that they
// are in is gone.
func KeepGo() (restore func()) {
	before := map[string]string{GoVariable: os.Getenv(GoVariable), driverVariable: os.Getenv(driverVariable)}
	return func() {
		for name, value := range before {
			_ = os.Setenv(name, value) // an empty one is none
		}
	}
}

// BuildIDCommand is the name of the hidden command that scripts call: see [NewBuildID].
const BuildIDCommand = "tool-buildid"

// NewBuildID returns the command that does what go tool buildid does, sooner.
func NewBuildID() *cobra.Command {
	return &cobra.Command{
		Use:    BuildIDCommand + " GO FILE",
		Hidden: true,
		Args:   cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			if id, err := buildID(args[1]); err == nil {
				return files.PrintResult(id + "\n")
			}
			goTool := exec.CommandContext(cmd.Context(), args[0], "tool", "buildid", args[1])
			goTool.Stdout, goTool.Stderr = os.Stdout, os.Stderr
			return goTool.Run()
		},
	}
}

// buildID returns the build ID that Go's linker has written into an ELF file, as a
// note of type 4 and of the name Go:
// https://github.com/golang/go/blob/go1.26.0/src/cmd/link/internal/ld/elf.go
func buildID(file string) (string, error) {
	f, err := elf.Open(file)
	if err != nil {
		return "", err
	}
	defer f.Close()
	section := f.Section(".note.go.buildid")
	if section == nil {
		return "", errors.New("no build ID")
	}
	note, err := section.Data()
	if err != nil {
		return "", err
	}
	var header struct {
		NameSize, IDSize, Type uint32
		Name                   [4]byte
	}
	r := bytes.NewReader(note)
	if err := binary.Read(r, f.ByteOrder, &header); err != nil {
		return "", err
	}
	if header.Name != [4]byte{'G', 'o'} || header.Type != 4 || int64(header.IDSize) > int64(r.Len()) {
		return "", errors.New("not a build ID")
	}
	id := make([]byte, header.IDSize)
	_, err = r.Read(id)
	return string(id), err
}
