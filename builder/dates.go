package builder

import (
	"encoding/json"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// utc gives the dates that ko has written the same form on every machine. ko writes
// SOURCE_DATE_EPOCH in the local time zone, so that the digest depends on that. What
// the base says of itself stays.
func (s *stack) utc(config rawConfig) error {
	var created v1.Time
	for i := range s.history[s.koEntry:] {
		h := &s.history[s.koEntry+i]
		h.Created = v1.Time{Time: h.Created.UTC()}
		created = h.Created
	}
	var image v1.Time
	if json.Unmarshal(config["created"], &image) != nil || image.IsZero() || !image.Equal(created.Time) {
		return nil
	}
	return config.set("created", created)
}
