package health

import (
	"embed"
	"io/fs"
)

//go:embed cmdline/*.go
var cmdlineSource embed.FS

// CmdlineSource returns the source of package cmdline, with which the probe is
// compiled: the code that judges a check before the image is built is the code
// that runs in it.
func CmdlineSource() fs.FS { return cmdlineSource }
