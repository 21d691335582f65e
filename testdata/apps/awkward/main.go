// Command awkward listens on port 8080 in a way that MODE says, by which a check that looks
// for the app's ports must not be misled.
package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"log"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"time"
)

const reusePort = 15 // SO_REUSEPORT of linux/socket.h

func main() {
	switch os.Getenv("MODE") {
	case "re-exec":
		os.Setenv("MODE", "")
		log.Fatal(syscall.Exec("/proc/self/exe", os.Args, os.Environ()))
	case "child": // listens, and its parent only waits for it
		log.Fatal(start("").Wait())
	case "inherited": // the child serves what the parent has opened
		l := listen(":8080").(*net.TCPListener)
		file, err := l.File()
		check(err)
		cmd := start("inherit", file)
		check(l.Close())
		check(file.Close())
		log.Fatal(cmd.Wait())
	case "inherit":
		l, err := net.FileListener(os.NewFile(3, "listener"))
		check(err)
		serve(l)
	case "shared": // two sockets on one port
		go serve(listenShared())
		serve(listenShared())
	case "prefork":
		var last *exec.Cmd
		for range 4 {
			last = start("worker")
		}
		log.Fatal(last.Wait())
	case "worker":
		serve(listenShared())
	case "mptcp":
		var config net.ListenConfig
		config.SetMultipathTCP(true)
		l, err := config.Listen(context.Background(), "tcp", ":8080")
		check(err)
		serve(l)
	case "ports":
		for port := 10000; port < 12000; port++ {
			go serve(listen(":" + strconv.Itoa(port)))
		}
		serve(listen(":8080"))
	case "descriptors": // more than the check looks at, before the listener
		for range 5000 {
			_, err := syscall.Dup(2)
			check(err)
		}
		serve(listen(":8080"))
	case "families": // one socket for each, and IPv6 may be switched off
		l, err := net.Listen("tcp4", ":8080")
		check(err)
		go serve(l)
		if l, err = net.Listen("tcp6", ":8080"); err == nil {
			go serve(l)
		}
		select {}
	case "one-shot": // ends when a connection has come
		_, err := listen(":8080").Accept()
		log.Fatal("used up: ", err)
	case "frozen": // a queue of one, which is full, and nobody who accepts
		fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
		check(err)
		check(syscall.Bind(fd, &syscall.SockaddrInet4{Port: 8080}))
		check(syscall.Listen(fd, 0))
		_, err = net.Dial("tcp4", "127.0.0.1:8080")
		check(err)
		time.Sleep(time.Hour)
	case "tls": // says so of every client that does not
		serve(tls.NewListener(listen(":8080"), &tls.Config{Certificates: []tls.Certificate{certificate()}}))
	case "debug":
		go serve(listen("127.0.0.1:6060"))
		time.Sleep(time.Hour)
	default:
		serve(listen(":8080"))
	}
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

// start starts this program in another mode.
func start(mode string, files ...*os.File) *exec.Cmd {
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), "MODE="+mode)
	cmd.Stderr, cmd.ExtraFiles = os.Stderr, files
	check(cmd.Start())
	return cmd
}

func listen(addr string) net.Listener {
	l, err := net.Listen("tcp", addr)
	check(err)
	return l
}

func listenShared() net.Listener {
	config := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) (err error) {
		controlled := c.Control(func(fd uintptr) { err = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, reusePort, 1) })
		if controlled != nil {
			return controlled
		}
		return err
	}}
	l, err := config.Listen(context.Background(), "tcp", ":8080")
	check(err)
	return l
}

func serve(l net.Listener) { log.Fatal(http.Serve(l, nil)) }

func certificate() tls.Certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"localhost"}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	check(err)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}
