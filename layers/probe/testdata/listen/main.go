// Command listen is an app for tests. It listens on its arguments, each a network and an
// address, says on which ports, and ends with its stdin.
package main

import (
	"io"
	"net"
	"os"
	"strconv"
)

func main() {
	for i := 1; i+1 < len(os.Args); i += 2 {
		l, err := net.Listen(os.Args[i], os.Args[i+1])
		if err != nil {
			panic(err)
		}
		println(strconv.Itoa(l.Addr().(*net.TCPAddr).Port))
	}
	println("listening")
	io.Copy(io.Discard, os.Stdin)
}
