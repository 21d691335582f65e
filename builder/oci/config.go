package oci

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/ko-health/kohealth/builder/health"
)

// A Config is an image config whose fields are kept as they are, known or not.
type Config map[string]json.RawMessage

// ParseConfig parses the JSON of an image config.
func ParseConfig(data []byte) (Config, error) {
	c := Config{}
	if err := json.Unmarshal(data, &c); err != nil {
		return nil, fmt.Errorf("parsing image config: %w", err)
	}
	if c == nil {
		return nil, errors.New("parsing image config: it is null")
	}
	return c, nil
}

// inner returns the "config" object, in which what a container runs with is said.
func (c Config) inner() (Config, error) {
	inner := Config{}
	if raw, ok := c["config"]; ok {
		if err := json.Unmarshal(raw, &inner); err != nil {
			return nil, fmt.Errorf("parsing image config's %q: %w", "config", err)
		}
	}
	if inner == nil { // "config": null
		inner = Config{}
	}
	return inner, nil
}

// Set sets a key to what value is in JSON.
func (c Config) Set(key string, value any) error {
	raw, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("encoding image config's %q: %w", key, err)
	}
	c[key] = raw
	return nil
}

// Command returns what a container starts: entrypoint and arguments.
func (c Config) Command() (argv []string, err error) {
	inner, err := c.inner()
	if err != nil {
		return nil, err
	}
	for _, key := range []string{"Entrypoint", "Cmd"} {
		var list []string
		if raw, ok := inner[key]; ok {
			if err := json.Unmarshal(raw, &list); err != nil {
				return nil, fmt.Errorf("parsing image config's %q: %w", key, err)
			}
		}
		argv = append(argv, list...)
	}
	return argv, nil
}

// KeepUnknown takes from the base's config what ko's lost because
// go-containerregistry has no field for it.
func (c Config) KeepUnknown(base Config) error {
	inner, err := c.inner()
	if err != nil {
		return err
	}
	baseInner, err := base.inner()
	if err != nil {
		return err
	}
	inner.addUnknown(baseInner, reflect.TypeFor[v1.Config]())
	c.addUnknown(base, reflect.TypeFor[v1.ConfigFile]())
	return c.Set("config", inner)
}

func (c Config) addUnknown(base Config, known reflect.Type) {
	names := jsonNames(known)
	for key, value := range base {
		if _, ok := c[key]; !ok && !names[strings.ToLower(key)] {
			c[key] = value
		}
	}
}

// jsonNames returns the JSON names of a struct's fields in lower case: decoding
// disregards case, too.
func jsonNames(t reflect.Type) map[string]bool {
	names := map[string]bool{}
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		if name == "" {
			name = t.Field(i).Name
		}
		names[strings.ToLower(name)] = true
	}
	return names
}

// SetHealthcheck puts the check in place of every other that is there. Podman looks
// into the legacy container_config first.
func (c Config) SetHealthcheck(check any) error {
	inner, err := c.inner()
	if err != nil {
		return err
	}
	if err := inner.Set("Healthcheck", check); err != nil {
		return err
	}
	if legacy := (Config{}); json.Unmarshal(c["container_config"], &legacy) == nil && legacy["Healthcheck"] != nil {
		delete(legacy, "Healthcheck")
		if err := c.Set("container_config", legacy); err != nil {
			return err
		}
	}
	return c.Set("config", inner)
}

// Healthcheck returns the check that the config holds, or nil.
func (c Config) Healthcheck() (json.RawMessage, error) {
	inner, err := c.inner()
	if err != nil {
		return nil, err
	}
	raw := inner["Healthcheck"]
	var check health.Config
	if raw == nil || json.Unmarshal(raw, &check) != nil || len(check.Test) == 0 {
		return nil, nil
	}
	return raw, nil
}
