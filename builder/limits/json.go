package limits

// CheckJSON returns an error if an image's manifest, index or config holds more values
// than may be parsed. It counts what may be a value, so that a document is refused
// before the decoder makes structs of it: of 4 MiB of "{},{},…" it would make gigabytes.
func CheckJSON(data []byte) error {
	values, quoted := int64(1), false
	for i := 0; i < len(data); i++ {
		switch c := data[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case !quoted && (c == ',' || c == '[' || c == '{'):
			values++
		}
	}
	return ImageValues.Check(values)
}
