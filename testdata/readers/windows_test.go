package readers

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/ko-health/kohealth/layers"
	"github.com/ko-health/kohealth/layers/winetest"
)

// TestWindowsLayer has hcsshim read a layer for Windows, as containerd and Docker do there,
// and import it as far as Wine can: at the end that calls a service of Windows itself.
func TestWindowsLayer(t *testing.T) {
	if os.Getenv("KOHEALTH_TEST_ENGINES") == "" {
		t.Skip("Wine is used where everything is tested")
	}
	reader := filepath.Join(t.TempDir(), "windowslayer.exe")
	build := exec.Command("go", "build", "-o", reader, "./windowslayer")
	build.Env = append(os.Environ(), "GOOS=windows", "GOARCH=amd64", "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	wine, err := winetest.New(filepath.Join(t.TempDir(), "wine"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { wine.Close() })

	layer, err := layers.Layer(layers.ForWindows(
		layers.File{Path: `C:\healthcheck.exe`, Mode: 0o555, Content: []byte("MZ")},
		layers.File{Path: `C:\healthcheck.args`, Mode: 0o444, Content: []byte("text")},
	), types.OCILayer)
	if err != nil {
		t.Fatal(err)
	}
	tar, err := layer.Uncompressed()
	if err != nil {
		t.Fatal(err)
	}
	defer tar.Close()
	cmd := wine.Command(reader, `C:\import`)
	cmd.Stdin = tar
	var stdout, stderr strings.Builder
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err == nil || !strings.HasPrefix(stderr.String(), "hcsshim::NameToGuid failed in Win32: Module not found") {
		t.Errorf("%v: %s", err, &stderr)
	}

	type entry struct {
		Name           string
		Attributes     uint32
		Security, Data string
	}
	const (
		directory = 0x10
		normal    = 0
		users     = "010000801400000024000000000000000000000001020000000000052000000021020000" + "01020000000000052000000021020000"
	)
	want := []entry{
		{Name: "Files", Attributes: directory},
		{Name: "Files/healthcheck.args", Attributes: normal, Security: users, Data: "text"},
		{Name: "Files/healthcheck.exe", Attributes: normal, Security: users, Data: "MZ"},
		{Name: "Hives", Attributes: directory},
	}
	var got []entry
	for d := json.NewDecoder(strings.NewReader(stdout.String())); d.More(); {
		var e entry
		if err := d.Decode(&e); err != nil {
			t.Fatal(err)
		}
		got = append(got, e)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
