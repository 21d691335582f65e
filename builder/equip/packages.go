package equip

import (
	"context"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/ko-health/kohealth/builder/executable"
	"github.com/ko-health/kohealth/builder/health"
	"github.com/ko-health/kohealth/builder/hint"
	"github.com/ko-health/kohealth/builder/rootfs"
	"github.com/ko-health/kohealth/layers"
	"github.com/ko-health/kohealth/layers/apk"
)

// addPackages adds a layer with the packages that the check asks for, and returns the file
// system that the image has then. A base with a busybox of its own keeps it.
func (w *work) addPackages(ctx context.Context, base *rootfs.FS) (image *rootfs.FS, err error) {
	check := w.added.Check
	names := check.AllPackages()
	if has(base, "/bin/busybox") || has(base, "/usr/bin/busybox") {
		names = check.Packages
	}
	var files []layers.File
	image = base.Clone()
	if len(names) > 0 {
		got, err := w.install(ctx, base, names)
		if err != nil {
			return nil, err
		}
		w.added.List, files = got.Packages, got.Files
		putAll(image, files)
	}
	if check.Tool == health.ToolBusybox {
		links, err := linkTools(image)
		if err != nil {
			return nil, err
		}
		files = append(files, links...)
	}
	if len(files) == 0 {
		return image, nil
	}
	w.added.Packages, err = w.insert(files, describePackages(w.added.List))
	return image, err
}

// CheckPackages refuses packages that no base image can make right. A busybox may be the
// base image's own, whatever its platform.
func (t *Tools) CheckPackages(check health.Check, platforms []v1.Platform) error {
	if check.Disabled || len(check.AllPackages()) == 0 {
		return nil
	}
	if len(check.Packages) > 0 {
		for _, p := range platforms {
			if _, err := apkArch(p); err != nil {
				return err
			}
		}
	}
	err := t.Packages.Check(request(check, check.Packages))
	if err != nil {
		return fmt.Errorf("adding packages: %w", err)
	}
	return nil
}

// request asks for packages where a check says.
func request(check health.Check, names []string) apk.Request {
	return apk.Request{Packages: names, Repositories: check.Repositories, Keys: check.Keys, Offline: check.Offline}
}

// install returns the files of packages, and says which they are.
func (w *work) install(ctx context.Context, base *rootfs.FS, names []string) (*apk.Installation, error) {
	req := request(w.added.Check, names)
	var err error
	if req.Arch, err = apkArch(w.platform); err != nil {
		return nil, err
	}
	req.Base = base
	req.Reserved = append(koDirs(), health.ProbePath, health.ArgsPath)
	got, err := w.Packages.Install(ctx, req)
	if err != nil {
		return nil, fmt.Errorf("adding packages: %w", err)
	}
	for _, warning := range got.Warnings {
		w.Say("warning: %s", warning)
	}
	if len(got.Packages) == 0 {
		w.Say("health: the base image has all packages: %s", strings.Join(names, ", "))
	} else {
		w.Say("health: %s", describePackages(got.Packages))
	}
	return got, nil
}

// apkArch returns Alpine's name of a platform's architecture.
func apkArch(p v1.Platform) (string, error) {
	if arch, ok := map[string]string{"amd64": "x86_64", "arm64": "aarch64"}[p.Architecture]; ok && p.OS == "linux" {
		return arch, nil
	}
	return "", hint.With(fmt.Errorf("adding packages: Wolfi has none for %s, only for linux/amd64 and linux/arm64", p),
		"name --platform=linux/amd64,linux/arm64, or check with the probe, which needs no packages")
}

// linkTools returns links to what the image has, or will have, under the names of those
// tools that it lacks: to the probe, which stands in for curl and wget, and to a busybox
// that came without links, as Wolfi's does.
func linkTools(image *rootfs.FS) (links []layers.File, err error) {
	probe, err := image.Resolve(health.ProbePath)
	if err != nil {
		return nil, err
	}
	image.Put(probe, 0o555, "")
	link := func(name, target string) error {
		files, err := place(image, layers.File{Path: name, Mode: fs.ModeSymlink | 0o777, Linkname: target})
		if err != nil {
			return err
		}
		putAll(image, files)
		links = append(links, files...)
		return nil
	}
	for _, busybox := range []string{"/bin/busybox", "/usr/bin/busybox", "/usr/bin/busybox-static"} {
		if has(image, busybox) && !has(image, "/bin/sh") {
			if err := link("/bin/sh", busybox); err != nil {
				return nil, err
			}
		}
	}
	for _, tool := range []string{"curl", "wget"} {
		if !inPath(image, tool) {
			if err := link("/usr/bin/"+tool, health.ProbePath); err != nil {
				return nil, err
			}
		}
	}
	return links, nil
}

// inPath reports whether a program is in one of the directories in which shells look.
func inPath(image *rootfs.FS, program string) bool {
	dirs := strings.Split(executable.DefaultPath, ":")
	return slices.ContainsFunc(dirs, func(dir string) bool { return has(image, path.Join(dir, program)) })
}

// describePackages lists packages as they can be pinned.
func describePackages(list []*apk.Package) string {
	if len(list) == 0 {
		return "health check tools"
	}
	names := make([]string, 0, len(list))
	for _, p := range list {
		names = append(names, p.String())
	}
	return "packages " + strings.Join(names, ", ")
}
