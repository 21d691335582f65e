package equip

import (
	"archive/tar"
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/ko-health/kohealth/builder/executable"
	"github.com/ko-health/kohealth/builder/hint"
	"github.com/ko-health/kohealth/builder/rootfs"
)

// checkStarts refuses a program that cannot start in an image: one of another
// architecture, or one whose loader or interpreter is not there.
func (w *work) checkStarts(content []byte, image *rootfs.FS) error {
	static := "take a program that is linked statically"
	f, err := executable.Read(bytes.NewReader(content))
	switch {
	case err != nil:
		return err
	case f.Script && !hasFile(image, f.Interpreter):
		return hint.With(fmt.Errorf("the script's interpreter %q is not in the image", f.Interpreter), static)
	case f.Script:
		return nil
	case f.Machine == "":
		return errors.New("the file is no program for Linux: neither ELF nor a script")
	case !f.RunsOn(w.platform.Architecture):
		return fmt.Errorf("the program is for %s, the image for %s", cmp.Or(f.Arch, f.Machine), w.platform)
	case f.Interpreter != "" && !hasFile(image, f.Interpreter):
		return hint.With(fmt.Errorf("the program is linked dynamically, and its loader %q is not in the image", f.Interpreter), static)
	case f.Interpreter != "":
		w.Say("warning: %s is linked dynamically: it runs only if the image has %s", w.Program.Path, cmp.Or(strings.Join(f.Libraries, ", "), "its libraries"))
	}
	return nil
}

// hasFile reports whether there is something at an absolute path that can be run.
func hasFile(image *rootfs.FS, name string) bool {
	e, err := image.Lookup(name)
	return err == nil && path.IsAbs(name) && e.Type != tar.TypeDir
}
