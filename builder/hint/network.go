package hint

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"syscall"
)

// IsNetwork reports whether err comes from the network. Errors of files pass for
// [net.Error], too: [syscall.Errno], which they wrap, has its methods. A request whose
// body could not be read from a file is an error of that file.
func IsNetwork(err error) bool {
	var network net.Error
	if !errors.As(err, &network) {
		return false
	}
	_, number := network.(syscall.Errno)
	return !number && !errors.As(err, new(*fs.PathError)) && !errors.As(err, new(*os.LinkError))
}
