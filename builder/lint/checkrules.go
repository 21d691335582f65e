package lint

import (
	"fmt"
	"slices"

	"github.com/ko-health/kohealth/builder/health"
	"github.com/ko-health/kohealth/builder/hint"
)

// CheckRules refuses IDs of rules that there are not: the hint names the nearest.
func CheckRules(ids []string) error {
	var known []string
	for _, r := range Rules() {
		known = append(known, r.ID)
	}
	for _, id := range ids {
		if slices.Contains(known, id) {
			continue
		}
		next := "https://github.com/ko-health/kohealth/blob/main/docs/lint.md lists the rules; a finding ends with its rule in brackets"
		if near := health.Nearest(id, known); near != "" {
			next = fmt.Sprintf("did you mean %q?", near)
		}
		return hint.With(fmt.Errorf("unknown rule %q", id), next)
	}
	return nil
}
