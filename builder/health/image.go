package health

import (
	"encoding/json"
	"fmt"
)

// OfImage returns the check in an image's config, given as its JSON, or nil if there
// is none: numbers without a test are no check.
//
// It reads the JSON because go-containerregistry's struct has no StartInterval.
func OfImage(config []byte) (*Config, error) {
	var file struct {
		Config struct{ Healthcheck *Config } `json:"config"`
	}
	if err := json.Unmarshal(config, &file); err != nil {
		return nil, fmt.Errorf("parsing image config: %w", err)
	}
	if c := file.Config.Healthcheck; c != nil && len(c.Test) > 0 {
		return c, nil
	}
	return nil, nil
}
