//go:build unix

package process

import (
	"io/fs"
	"os"
	"syscall"
)

// isMine reports whether a file belongs to the user: what others put into a directory
// that all may write to is not touched.
func isMine(info fs.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(stat.Uid) == os.Geteuid()
}
