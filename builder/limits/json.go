package limits

import "encoding/json"

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

// CheckManifest refuses a manifest or an index of images that exceeds a limit, or names a
// config that does. It returns how many bytes both have. What is neither is the business
// of whoever parses it.
func CheckManifest(data []byte) (size int64, err error) {
	if err := Manifest.Check(int64(len(data))); err != nil {
		return 0, err
	}
	if err := CheckJSON(data); err != nil {
		return 0, err
	}
	var m struct {
		Config            struct{ Size int64 }
		Manifests, Layers []json.RawMessage
	}
	if json.Unmarshal(data, &m) != nil {
		return int64(len(data)), nil
	}
	if err := IndexEntries.Check(int64(len(m.Manifests))); err != nil {
		return 0, err
	}
	if err := ImageLayers.Check(int64(len(m.Layers))); err != nil {
		return 0, err
	}
	return int64(len(data)) + max(0, m.Config.Size), Config.Check(m.Config.Size)
}
