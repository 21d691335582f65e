package oci

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func config(t *testing.T, text string) Config {
	t.Helper()
	c, err := ParseConfig([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestConfigRefusesNonsense(t *testing.T) {
	for _, raw := range []string{"", "[]", `"x"`, "null"} {
		if _, err := ParseConfig([]byte(raw)); err == nil {
			t.Errorf("ParseConfig(%q) succeeds", raw)
		}
	}
	bad, good := config(t, `{"config":[]}`), config(t, `{}`)
	for name, err := range map[string]error{
		"set":         bad.SetHealthcheck(1),
		"keep in bad": bad.KeepUnknown(good),
		"keep bad":    good.KeepUnknown(bad),
		"no JSON":     good.Set("x", func() {}),
		"no check":    good.SetHealthcheck(func() {}),
	} {
		if err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if _, err := bad.Healthcheck(); err == nil {
		t.Error("a check of a config that is a list is read")
	}
	if err := config(t, `{"config":null}`).SetHealthcheck(1); err != nil {
		t.Errorf("a config that is null: %v", err)
	}
}

func TestSetHealthcheck(t *testing.T) {
	c := config(t, `{"config":{"User":"u","Healthcheck":{"Test":["CMD","old"]}},"container_config":{"Healthcheck":{},"Hostname":"h"},"x":1}`)
	if err := c.SetHealthcheck(map[string]any{"Test": []string{"CMD", "new"}}); err != nil {
		t.Fatal(err)
	}
	got, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"config":{"Healthcheck":{"Test":["CMD","new"]},"User":"u"},"container_config":{"Hostname":"h"},"x":1}`
	if string(got) != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// TestSetHealthcheckLeavesTheRest checks that a legacy config without a check stays as it
// is, to the byte.
func TestSetHealthcheckLeavesTheRest(t *testing.T) {
	const legacy = `{"b": 1, "a": {}}`
	c := config(t, `{"container_config":`+legacy+`}`)
	if err := c.SetHealthcheck(nil); err != nil {
		t.Fatal(err)
	}
	if got := string(c["container_config"]); got != legacy {
		t.Errorf("container_config is %s, was %s", got, legacy)
	}
}

func TestHealthcheck(t *testing.T) {
	for text, want := range map[string]string{
		`{}`:                              "",
		`{"config":{"Healthcheck":null}}`: "",
		`{"config":{"Healthcheck":7}}`:    "",
		`{"config":{"Healthcheck":{"Interval":7}}}`:    "",
		`{"config":{"Healthcheck":{"Test":["NONE"]}}}`: `{"Test":["NONE"]}`,
	} {
		got, err := config(t, text).Healthcheck()
		if err != nil || string(got) != want {
			t.Errorf("%s: %s, %v; want %s", text, got, err, want)
		}
	}
}

func TestKeepUnknown(t *testing.T) {
	c := config(t, `{"config":{"User":"u","y":1},"os":"linux","z":1}`)
	if err := c.KeepUnknown(config(t, `{"config":{"Hostname":"base","y":2,"inner":3},"OS":"x","Os.version":"1","z":2,"outer":3}`)); err != nil {
		t.Fatal(err)
	}
	got, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	// What go-containerregistry knows, ko has decided on; what is there already stays.
	want := `{"config":{"User":"u","inner":3,"y":1},"os":"linux","outer":3,"z":1}`
	if string(got) != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestCommand(t *testing.T) {
	got, err := config(t, `{"config":{"Cmd":["b"],"Entrypoint":["a"]}}`).Command()
	if diff := cmp.Diff([]string{"a", "b"}, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	for _, text := range []string{`{"config":{"Cmd":1}}`, `{"config":1}`} {
		if _, err := config(t, text).Command(); err == nil {
			t.Errorf("the command of %s is read", text)
		}
	}
}
