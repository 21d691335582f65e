package equip

import (
	"archive/tar"
	"bytes"
	"debug/elf"
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/ko-health/kohealth/builder/hint"
	"github.com/ko-health/kohealth/builder/rootfs"
)

// machines are the architectures as ELF files name them.
func machines() map[string]elf.Machine {
	return map[string]elf.Machine{
		"386": elf.EM_386, "amd64": elf.EM_X86_64, "arm": elf.EM_ARM, "arm64": elf.EM_AARCH64, "loong64": elf.EM_LOONGARCH,
		"mips64le": elf.EM_MIPS, "ppc64le": elf.EM_PPC64, "riscv64": elf.EM_RISCV, "s390x": elf.EM_S390,
	}
}

// checkStarts refuses a program that cannot start in an image: one of another
// architecture, or one whose loader or interpreter is not there.
func (w *work) checkStarts(content []byte, image *rootfs.FS) error {
	static := "take a program that is linked statically"
	if script, ok := bytes.CutPrefix(content, []byte("#!")); ok {
		line, _, _ := strings.Cut(string(script), "\n")
		if words := strings.Fields(line); len(words) > 0 && hasFile(image, words[0]) {
			return nil
		}
		return hint.With(fmt.Errorf("the script's interpreter %q is not in the image", strings.TrimSpace(line)), static)
	}
	f, err := elf.NewFile(bytes.NewReader(content))
	if err != nil {
		return errors.New("the file is no program for Linux: neither ELF nor a script")
	}
	if want, known := machines()[w.platform.Architecture]; known && f.Machine != want {
		return fmt.Errorf("the program is for %s, the image for %s", f.Machine, w.platform)
	}
	loader, err := loaderOf(f)
	if err != nil || loader == "" {
		return err
	}
	if !hasFile(image, loader) {
		return hint.With(fmt.Errorf("the program is linked dynamically, and its loader %q is not in the image", loader), static)
	}
	libraries, err := f.ImportedLibraries()
	if err != nil {
		return fmt.Errorf("reading the program: %w", err)
	}
	w.Say("warning: %s is linked dynamically: it runs only if the image has %s", w.Program.Path, strings.Join(libraries, ", "))
	return nil
}

// hasFile reports whether there is something at an absolute path that can be run.
func hasFile(image *rootfs.FS, name string) bool {
	e, err := image.Lookup(name)
	return err == nil && path.IsAbs(name) && e.Type != tar.TypeDir
}

// loaderOf returns the program that loads a dynamically linked one, or "".
func loaderOf(f *elf.File) (string, error) {
	for _, p := range f.Progs {
		if p.Type != elf.PT_INTERP {
			continue
		}
		raw := make([]byte, min(p.Filesz, 4096))
		if _, err := p.ReadAt(raw, 0); err != nil {
			return "", fmt.Errorf("reading the program: %w", err)
		}
		return string(bytes.TrimRight(raw, "\x00")), nil
	}
	return "", nil
}
