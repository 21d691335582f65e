// Package hint lets an error carry the user's next step, which the command
// prints once, on a line of its own.
package hint

import "errors"

type hinted struct {
	error
	text string
}

func (h *hinted) Unwrap() error { return h.error }

// With returns err with a hint: one line, lower case, that says what to do next.
// A nil err stays nil.
func With(err error, text string) error {
	if err == nil {
		return nil
	}
	return &hinted{err, text}
}

// Of returns the outermost hint in err's tree, or "" if there is none.
func Of(err error) string {
	var h *hinted
	if errors.As(err, &h) {
		return h.text
	}
	return ""
}
