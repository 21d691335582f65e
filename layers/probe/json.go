package main

import (
	"strconv"
	"unicode/utf8"

	"github.com/ko-health/kohealth/builder/health/probeargs"
)

// jsonLine returns the result of a check in one line for machines:
//
//	{"healthy":false,"targets":[{"target":"http://:8080/","healthy":false,"status":503,"error":"503 No","duration_ms":12}]}
//
// The targets are those of the command line, in its order. There is a status if
// there was an answer to an HTTP request, and there are addresses where auto has found
// that the app accepts connections. refused says why nothing was checked; it
// then is the error of the whole, and there are no targets.
func jsonLine(all []*outcome, refused string) string {
	well, targets, comma := refused == "", "", ""
	for _, o := range all {
		well = well && o.err == nil
		targets += comma + o.json()
		comma = ","
	}
	s := `{"healthy":` + strconv.FormatBool(well)
	if refused != "" {
		s += `,"error":` + jsonString(refused)
	}
	return s + `,"targets":[` + targets + "]}\n"
}

func (o *outcome) json() string {
	s := `{"target":` + jsonString(o.target) + `,"healthy":` + strconv.FormatBool(o.err == nil)
	if o.status != 0 {
		s += `,"status":` + strconv.Itoa(o.status)
	}
	if len(o.at) > 0 {
		names := ""
		for _, name := range o.at {
			names += `,"` + name + `"`
		}
		s += `,"addresses":[` + names[1:] + "]"
	}
	if o.err != nil {
		s += `,"error":` + jsonString(o.err.Error())
	}
	return s + `,"duration_ms":` + tenths(o.took, probeargs.Millisecond) + "}"
}

// jsonString returns s as a string of JSON: RFC 8259, section 7. What is not UTF-8
// is replaced.
func jsonString(s string) string {
	q := []byte{'"'}
	for s != "" {
		r, n := utf8.DecodeRuneInString(s)
		piece := s[:n]
		switch {
		case r == '"' || r == '\\':
			piece = `\` + piece
		case r == utf8.RuneError:
			piece = "\ufffd"
		case r < ' ':
			piece = `\u` + strconv.FormatInt(0x10000+int64(r), 16)[1:]
		}
		q = append(q, piece...)
		s = s[n:]
	}
	return string(append(q, '"'))
}
