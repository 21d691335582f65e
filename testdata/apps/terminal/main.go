// Command terminal draws what kohealth prints, from lint to a check that passes, for
// README.md: it runs the kohealth in PATH on testdata/apps/hello.
//
//	go run ./testdata/apps/terminal >testdata/terminal.svg
package main

import (
	"fmt"
	"html"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

// A step is a command with its output.
type step struct {
	command string
	lines   []string
}

func main() {
	log.SetFlags(0)
	dir, err := os.MkdirTemp("", "terminal")
	check(err)
	defer os.RemoveAll(dir)
	source, err := os.ReadFile(filepath.Join("testdata", "apps", "hello", "main.go"))
	check(err)
	write(dir, "main.go", string(source))
	write(dir, "go.mod", "module example.com/hello\n\ngo 1.22\n")
	write(dir, ".gitignore", "")
	run(dir, "kohealth build --no-healthcheck --bare --push=false --oci-layout-path=image .")
	host, stop := serve(filepath.Join(dir, "image"))
	defer stop()
	write(dir, "task-definition.json", strings.ReplaceAll(taskDefinition, shownHost, host))

	var steps []step
	for _, command := range []string{"kohealth lint task-definition.json", "kohealth init --yes", "kohealth try"} {
		output := strings.ReplaceAll(run(dir, command), host, shownHost)
		steps = append(steps, step{command, shown(output)})
	}
	draw(steps)
}

// shownHost is what stands in the place of the registry.
const shownHost = "registry.example.com"

const taskDefinition = `{
  "family": "hello",
  "containerDefinitions": [
    {
      "name": "hello",
      "image": "registry.example.com/hello",
      "memory": 512,
      "healthCheck": {
        "command": ["CMD-SHELL", "curl -f http://localhost:8080/healthz"],
        "startPeriod": 10
      }
    }
  ]
}
`

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func write(dir, name, text string) {
	check(os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644))
}

// run returns what a command prints. lint fails if it finds something.
func run(dir, command string) string {
	words := strings.Fields(command)
	cmd := exec.Command(words[0], words[1:]...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "KO_DOCKER_REPO=example.com/hello", "KO_DEFAULTBASEIMAGE=kohealth.local/static", "KO_CONFIG_PATH=")
	out, err := cmd.CombinedOutput()
	if err != nil && !strings.Contains(command, " lint ") {
		log.Fatalf("%s: %v\n%s", command, err, out)
	}
	return string(out)
}

var (
	logTime = regexp.MustCompile(`(?m)^\d{4}/\d\d/\d\d \d\d:\d\d:\d\d `)
	// aside matches what is not about health, and what depends on how fast the machine is.
	aside = regexp.MustCompile(`^(Using base|Using build config|current folder|Building|\d+\.\ds starting)`)
	// further matches the proposals of init but for the first.
	further = regexp.MustCompile(`(?s)\n\n2\. .*?\n\n--- `)
)

// shown returns the lines that the picture has of an output.
func shown(output string) (lines []string) {
	output = further.ReplaceAllString(logTime.ReplaceAllString(output, ""), "\n…\n--- ")
	for line := range strings.SplitSeq(strings.TrimSpace(output), "\n") {
		if !aside.MatchString(line) {
			lines = append(lines, line)
		}
	}
	return lines
}

const (
	columns    = 106 // at which a line goes on in the next
	charWidth  = 8
	lineHeight = 19
	pause      = 3 // seconds between steps
)

// draw prints the picture. Steps appear one after the other; where nothing moves, all are
// there.
func draw(steps []step) {
	var b strings.Builder
	y := lineHeight / 2
	for i, s := range steps {
		fmt.Fprintf(&b, "<g>")
		if i > 0 {
			fmt.Fprintf(&b, `<set attributeName="visibility" to="hidden" begin="0s" end="%ds"/>`, i*pause)
		}
		b.WriteString("\n")
		y = text(&b, y, "#3fb950", "$ "+s.command)
		for _, line := range s.lines {
			y = text(&b, y, colour(line), line)
		}
		b.WriteString("</g>\n")
		y += lineHeight / 2
	}
	width := columns*charWidth + 32
	fmt.Printf(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%[1]d" height="%[2]d" font-family="ui-monospace, Menlo, Consolas, monospace" font-size="13">
<title>A terminal: kohealth lint finds why a check never passes, init finds one that suits, try sees it pass</title>
<rect width="%[1]d" height="%[2]d" rx="8" fill="#0d1117"/>
%[3]s</svg>
`, width, y+lineHeight/2, b.String())
}

// text draws a line, as long as it is, and returns where the next one goes.
func text(b *strings.Builder, y int, fill, line string) int {
	for runes := []rune(line); ; {
		n := min(columns, len(runes))
		y += lineHeight
		fmt.Fprintf(b, "<text x=\"16\" y=\"%d\" fill=\"%s\" xml:space=\"preserve\">%s</text>\n", y, fill, html.EscapeString(string(runes[:n])))
		if runes = runes[n:]; len(runes) == 0 {
			return y
		}
	}
}

// colour returns the colour of a line: mistakes, what is well, and all else.
func colour(line string) string {
	switch {
	case strings.Contains(line, " error: "), strings.HasPrefix(line, "Error: "):
		return "#ff7b72"
	case strings.HasPrefix(line, "+"), strings.Contains(line, " healthy in "):
		return "#3fb950"
	}
	return "#e6edf3"
}
