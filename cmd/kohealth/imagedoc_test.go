package main

import (
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// testImageExample checks that docs/base.md shows what is in the image that make demo
// makes, in text and as a picture. The sizes of layers depend on the version of Go: a
// quarter more or less is the same.
func testImageExample(t *testing.T) {
	tarball := filepath.Join(t.TempDir(), "hello.tar")
	app := filepath.Join("testdata", "apps", "hello")
	build := exec.Command("kohealth", "build", "--bare", "--push=false", "--platform=linux/amd64", "--tarball="+tarball, "./"+app)
	build.Env = append(os.Environ(), "KO_DOCKER_REPO=example.com/hello", "KO_DEFAULTBASEIMAGE=kohealth.local/static", "KO_CONFIG_PATH="+app)
	outputOf(t, build)
	layers, _, _ := strings.Cut(outputOf(t, exec.Command("go", "run", "./testdata/apps/show", tarball)), "{")
	checkLikeSection(t, "image", "```\n"+layers+"```\n")

	svg := outputOf(t, exec.Command("go", "run", "./testdata/apps/show", "-svg", tarball))
	checkPicture(t, "image.svg", svg, func(svg string) string { return svg })
}

// checkPicture checks that a picture in testdata is like one that is drawn anew, but for what
// is masked. UPDATE=1 writes it.
func checkPicture(t *testing.T, name, svg string, masked func(string) string) {
	t.Helper()
	name = filepath.Join(topDir, "testdata", name)
	if update {
		if err := os.WriteFile(name, []byte(svg), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	shown, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	checkLike(t, name, masked(svg), masked(string(shown)))
}

// testTerminal checks that README.md shows what kohealth prints. How long something took,
// and which port was free, is the machine's.
func testTerminal(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the picture is of Linux, where the image itself runs")
	}
	svg := outputOf(t, exec.Command("go", "run", "./testdata/apps/terminal"))
	measured := regexp.MustCompile(`\b[0-9.]+m?s\b *|(\[::\]:)\d+`)
	checkPicture(t, "terminal.svg", svg, func(svg string) string { return measured.ReplaceAllString(svg, "${1}N ") })
}

// outputOf runs a command at the top of the module.
func outputOf(t *testing.T, cmd *exec.Cmd) string {
	t.Helper()
	var stderr strings.Builder
	cmd.Dir, cmd.Stderr = topDir, &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %v\n%s", cmd, err, &stderr)
	}
	return string(out)
}

// checkLikeSection is checkSection for a section with sizes.
func checkLikeSection(t *testing.T, name, want string) {
	t.Helper()
	if update {
		checkSection(t, name, want)
		return
	}
	_, got := section(t, name)
	checkLike(t, "section "+name, want, got)
}

// checkLike checks that two texts are the same but for sizes, and those alike.
func checkLike(t *testing.T, name, want, got string) {
	t.Helper()
	sizes := regexp.MustCompile(` *(\d+) KB`)
	masked := func(text string) string { return sizes.ReplaceAllString(text, " N KB") }
	if diff := cmp.Diff(masked(want), masked(got)); diff != "" {
		t.Fatalf("%s (-want +got); UPDATE=1 go test ./cmd/kohealth mends it:\n%s", name, diff)
	}
	gots := sizes.FindAllStringSubmatch(got, -1)
	for i, m := range sizes.FindAllStringSubmatch(want, -1) {
		w, g := must(strconv.ParseFloat(m[1], 64)), must(strconv.ParseFloat(gots[i][1], 64))
		if math.Abs(g-w) > 0.25*w {
			t.Errorf("%s says %g KB, it is %g KB; UPDATE=1 go test ./cmd/kohealth mends it", name, g, w)
		}
	}
}
