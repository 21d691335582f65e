package health

import (
	"embed"
	"io/fs"
)

//go:embed probeargs/*.go
var probeargsSource embed.FS

// ProbeargsSource returns the source of package probeargs, with which the probe is
// compiled: the code that judges a check before the image is built is the code
// that runs in it.
func ProbeargsSource() fs.FS { return probeargsSource }
