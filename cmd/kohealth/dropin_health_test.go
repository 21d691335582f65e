package main

import (
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/ko-health/kohealth/builder/health"
)

// cmdAdds checks that ko and kohealth do the same but for the health check: the
// HEALTHCHECK, the layers and their history, the probe in the SBOM, the digests and
// sizes that follow from these, and the line that tells of it: adds IMAGES COMMAND
// [ARG]... [< FILE]. So many images, of as many platforms, have to have two layers.
func cmdAdds(ts *testscript.TestScript, _ bool, args []string) {
	want, got := observe(ts, "ko", args[1:]), observe(ts, "kohealth", args[1:])
	got.Stderr = slices.DeleteFunc(got.Stderr, func(line string) bool { return strings.HasPrefix(line, "health: ") })
	koTree, ourTree := unfold(ts, want), unfold(ts, got)
	removed := map[string]int{}
	removeHealth(ourTree, removed)
	if diff := gocmp.Diff(lines(ts, koTree), lines(ts, ourTree)); diff != "" {
		ts.Fatalf("(-ko +kohealth without health check):\n%s", diff)
	}
	for config, layers := range removed {
		if layers != 2 {
			ts.Fatalf("%s: %d health layers, want 2", config, layers)
		}
	}
	if fmt.Sprint(len(removed)) != args[0] {
		ts.Fatalf("%d images with health layers, want %s", len(removed), args[0])
	}
}

// unfold makes one tree of JSON of an observation: what a digest in JSON stands for
// is put in its place if it is JSON, too, and in other texts the place where that
// is. Nothing that depends on an image's bytes is left but its layers.
func unfold(ts *testscript.TestScript, o observation) any {
	u := unfolder{ts: ts, documents: map[string]string{}}
	for _, body := range o.Registry.Manifests {
		u.documents[digestOf(body)] = body
	}
	for digest, body := range o.Registry.Blobs {
		if json.Valid([]byte(body)) {
			u.documents[digest] = body
		}
	}
	manifests := map[string]any{}
	for _, path := range u.sorted(o.Registry.Manifests) {
		body := o.Registry.Manifests[path]
		place := u.name(path)
		u.named(digestOf(body), place)
		manifests[place] = u.expand(place, u.decode(body))
	}
	files := map[string]any{}
	for name, content := range o.Files {
		if files[name] = content; json.Valid([]byte(content)) {
			files[name] = u.decode(content)
		}
	}
	for i, line := range o.Stderr {
		o.Stderr[i] = u.name(pushedSize.ReplaceAllString(line, "$1"))
	}
	slices.Sort(o.Stderr)
	o.Registry, o.Files = holdings{Agents: o.Registry.Agents}, nil
	return u.decode(u.name(strings.Join(lines(ts, map[string]any{"observation": o, "files": files, "manifests": manifests}), "\n")))
}

var pushedSize = regexp.MustCompile(`^(.* digest: sha256:\w+) size: \d+$`)

func digestOf(body string) string { return fmt.Sprintf("sha256:%x", sha256.Sum256([]byte(body))) }

// An unfolder knows where each digest was seen first.
type unfolder struct {
	ts        *testscript.TestScript
	documents map[string]string // by digest
	places    []string          // pairs of a digest, without algorithm, and its place
}

// sorted returns the paths of manifests in order, those with digests in them last.
func (u *unfolder) sorted(manifests map[string]string) []string {
	return slices.SortedFunc(maps.Keys(manifests), func(a, b string) int {
		return cmp.Or(strings.Count(a, "sha256")-strings.Count(b, "sha256"), cmp.Compare(a, b))
	})
}

func (u *unfolder) named(digest, place string) {
	u.places = append(u.places, strings.TrimPrefix(digest, "sha256:"), "["+place+"]")
}

// name puts places in place of digests.
func (u *unfolder) name(s string) string { return strings.NewReplacer(u.places...).Replace(s) }

func (u *unfolder) decode(s string) (v any) {
	u.ts.Check(json.Unmarshal([]byte(s), &v))
	return v
}

func (u *unfolder) expand(place string, v any) any {
	switch v := v.(type) {
	case []any:
		for i := range v {
			v[i] = u.expand(fmt.Sprintf("%s/%d", place, i), v[i])
		}
	case map[string]any:
		digest, _ := v["digest"].(string)
		if document, ok := u.documents[digest]; ok {
			u.named(digest, place)
			delete(v, "size")
			v["content"] = u.decode(document)
		}
		for _, key := range slices.Sorted(maps.Keys(v)) {
			v[key] = u.expand(place+"/"+key, v[key])
		}
	}
	return v
}

// lines is the JSON of a value.
func lines(ts *testscript.TestScript, v any) []string {
	data, err := json.MarshalIndent(v, "", "  ")
	ts.Check(err)
	return strings.Split(string(data), "\n")
}

// removeHealth removes from a tree what kohealth adds, and counts the layers by the
// config of their image.
func removeHealth(v any, removed map[string]int) {
	switch v := v.(type) {
	case []any:
		for _, inner := range v {
			removeHealth(inner, removed)
		}
	case map[string]any:
		for _, inner := range v {
			removeHealth(inner, removed)
		}
		if contains(v, "layers", "config") {
			if n := removeHealthLayers(v); n > 0 {
				removed[v["config"].(map[string]any)["digest"].(string)] = n
			}
		}
		if contains(v, "spdxVersion") {
			removeProbe(v)
		}
	}
}

func contains(v map[string]any, keys ...string) bool {
	return !slices.ContainsFunc(keys, func(key string) bool { return v[key] == nil })
}

// removeHealthLayers removes the layers from a manifest and the check from its config.
func removeHealthLayers(manifest map[string]any) (removed int) {
	config := manifest["config"].(map[string]any)["content"].(map[string]any)
	history, _ := config["history"].([]any)
	rootfs := config["rootfs"].(map[string]any)
	for i, h := range slices.Backward(history) { // in these images each entry has a layer
		if h.(map[string]any)["author"] != health.Author {
			continue
		}
		removed++
		config["history"] = slices.Delete(config["history"].([]any), i, i+1)
		manifest["layers"] = slices.Delete(manifest["layers"].([]any), i, i+1)
		rootfs["diff_ids"] = slices.Delete(rootfs["diff_ids"].([]any), i, i+1)
	}
	if removed > 0 {
		delete(config["config"].(map[string]any), "Healthcheck")
	}
	return removed
}

// removeProbe removes the probe from an SBOM.
func removeProbe(sbom map[string]any) {
	const id = "SPDXRef-Package-kohealth-probe"
	remove := func(in map[string]any, list string, ours func(any) bool) {
		in[list] = slices.DeleteFunc(in[list].([]any), ours)
	}
	remove(sbom["creationInfo"].(map[string]any), "creators", func(v any) bool {
		return strings.HasPrefix(v.(string), "Tool: kohealth ")
	})
	remove(sbom, "packages", func(v any) bool { return v.(map[string]any)["SPDXID"] == id })
	remove(sbom, "relationships", func(v any) bool { return v.(map[string]any)["relatedSpdxElement"] == id })
}
