package main

import (
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/ko-health/kohealth/builder/lint"
)

// document returns a document, by its name from the top.
func document(t *testing.T, name string) string {
	t.Helper()
	return string(must(os.ReadFile(filepath.Join(topDir, filepath.FromSlash(name)))))
}

// testLinks checks that what documents, lint's rules and the probe link to in the
// repository is there: files, and headings by the names that GitHub gives them.
func testLinks(t *testing.T) {
	const repository = "https://github.com/ko-health/kohealth"
	headings := map[string][]string{} // by document
	for name, links := range linksOf(t) {
		for _, link := range links {
			target, anchor, anchored := strings.Cut(link, "#")
			switch {
			case target == repository:
				target = "README.md"
			case strings.HasPrefix(target, repository+"/blob/main/"):
				target = strings.TrimPrefix(target, repository+"/blob/main/")
			case strings.Contains(target, "://"):
				continue
			case target == "":
				target = name
			default:
				target = path.Join(path.Dir(name), target)
			}
			if _, err := os.Stat(filepath.Join(topDir, filepath.FromSlash(target))); err != nil {
				t.Errorf("%s links to %s: %v", name, link, err)
				continue
			}
			if anchored && headings[target] == nil {
				headings[target] = anchors(document(t, target))
			}
			if anchored && !slices.Contains(headings[target], anchor) {
				t.Errorf("%s links to %s: there is no such heading", name, link)
			}
		}
	}
}

// linksOf returns the links that users and contributors meet, by the documents that hold
// them.
func linksOf(t *testing.T) map[string][]string {
	t.Helper()
	links := map[string][]string{}
	inline := regexp.MustCompile(`\]\(([^)\s]+)\)`)
	for _, name := range append(guides(t), "SECURITY.md", "CONTRIBUTING.md", "CHANGELOG.md") {
		for _, m := range inline.FindAllStringSubmatch(document(t, name), -1) {
			links[name] = append(links[name], m[1])
		}
	}
	for _, r := range lint.Rules() {
		links["rule "+r.ID] = []string{r.Source}
	}
	const probe = "layers/probe/main.go"
	links[probe] = regexp.MustCompile(`https://github\.com/ko-health/kohealth[^\s"]*`).FindAllString(document(t, probe), -1)
	return links
}

// anchors returns the names of a document's headings.
func anchors(text string) (names []string) {
	text = regexp.MustCompile("(?ms)^```.*?^```$").ReplaceAllString(text, "")
	for _, m := range regexp.MustCompile(`(?m)^#+ (.*)$`).FindAllStringSubmatch(text, -1) {
		name := regexp.MustCompile(`[^\p{L}\p{N} _-]`).ReplaceAllString(strings.ToLower(m[1]), "")
		names = append(names, strings.ReplaceAll(name, " ", "-"))
	}
	return names
}

// TestContributing checks that there is what CONTRIBUTING.md has one run and look into.
func TestContributing(t *testing.T) {
	text := document(t, "CONTRIBUTING.md")
	makefile := document(t, "Makefile")
	commands := regexp.MustCompile(`(?m)^\$ (\S+)(?: (\S+))?`).FindAllStringSubmatch(text, -1)
	if len(commands) == 0 {
		t.Error("there are no commands")
	}
	for _, m := range commands {
		switch m[1] {
		case "make":
			if !strings.Contains(makefile, "\n"+m[2]+":") {
				t.Errorf("make %s: there is no such target", m[2])
			}
		default:
			if _, err := os.Stat(filepath.Join(topDir, m[1])); err != nil {
				t.Error(err)
			}
		}
	}
	listed := regexp.MustCompile(`(?m)^((?:action|cmd|builder|layers|testdata)[a-z/]*) +`).FindAllStringSubmatch(text, -1)
	var dirs []string
	for _, m := range listed {
		dirs = append(dirs, m[1])
		if _, err := os.Stat(filepath.Join(topDir, m[1])); err != nil {
			t.Error(err)
		}
	}
	for _, pattern := range []string{"cmd", "builder", "layers"} {
		for _, path := range must(filepath.Glob(filepath.Join(topDir, pattern, "*"))) {
			dir := pattern + "/" + filepath.Base(path)
			if must(os.Stat(path)).IsDir() && !strings.HasSuffix(dir, "/testdata") && !slices.Contains(dirs, dir) {
				t.Errorf("CONTRIBUTING.md does not say what is in %s", dir)
			}
		}
	}
}

// TestWhereToChange holds the paths in CONTRIBUTING.md's table against the tree.
func TestWhereToChange(t *testing.T) {
	rows := regexp.MustCompile(`(?m)^\| (?:a|what|images|the) .*\|$`).FindAllString(document(t, "CONTRIBUTING.md"), -1)
	if len(rows) < 10 {
		t.Errorf("the table has %d rows", len(rows))
	}
	for _, row := range rows {
		paths := regexp.MustCompile("`([a-z]+/[^`]+)`").FindAllStringSubmatch(row, -1)
		if len(paths) == 0 {
			t.Errorf("no path in %s", row)
		}
		for _, m := range paths {
			if _, err := os.Stat(filepath.Join(topDir, filepath.FromSlash(m[1]))); err != nil {
				t.Error(err)
			}
		}
	}
}

// TestSecurityIdentity checks that the identity which SECURITY.md has one verify is the
// one of the workflow that signs.
func TestSecurityIdentity(t *testing.T) {
	m := regexp.MustCompile(`--certificate-identity-regexp='(.*)'`).FindStringSubmatch(document(t, "SECURITY.md"))
	if m == nil {
		t.Fatal("SECURITY.md names no identity")
	}
	identity := regexp.MustCompile(m[1])
	const workflow = ".github/workflows/release.yml"
	if !strings.Contains(document(t, workflow), "id-token: write") {
		t.Errorf("%s has no identity", workflow)
	}
	for subject, want := range map[string]bool{
		"https://github.com/ko-health/kohealth/" + workflow + "@refs/tags/v1.2.3":                 true,
		"https://github.com/ko-health/kohealth/" + workflow + "@refs/heads/main":                  false,
		"https://github.com/someone/kohealth/" + workflow + "@refs/tags/v1.2.3":                   false,
		"https://github.com/ko-health/kohealth/.github/workflows/ci.yml@refs/tags/v1.2.3":         false,
		"https://example.com/https://github.com/ko-health/kohealth/" + workflow + "@refs/tags/v1": false,
	} {
		if identity.MatchString(subject) != want {
			t.Errorf("%s matches %s: want %t", identity, subject, want)
		}
	}
}
