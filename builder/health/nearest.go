package health

import "strings"

// Nearest returns the known word that s was most probably meant to be, or "" if
// none is near.
func Nearest(s string, known []string) string {
	best, bestDistance := "", 3
	for _, k := range known {
		if d := distance(plain(s), plain(k)); d < min(bestDistance, len(k)) {
			best, bestDistance = k, d
		}
	}
	return best
}

// plain makes startPeriod, start-period and start_period the same.
func plain(s string) string {
	return strings.ToLower(strings.NewReplacer("_", "", "-", "").Replace(s))
}

// distance is the Levenshtein distance in bytes.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			above := row[j+1]
			cost := diagonal
			if a[i] != b[j] {
				cost = 1 + min(diagonal, above, row[j])
			}
			diagonal, row[j+1] = above, cost
		}
	}
	return row[len(b)]
}
