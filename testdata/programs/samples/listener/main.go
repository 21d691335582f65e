// A listener that others make, and TLS around it.
package main

import (
	"crypto/tls"
	"log"
	"net"
	"net/http"
	"os"
)

func main() {
	f := os.NewFile(3, "listener")
	l, err := net.FileListener(f)
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/healthz", func(http.ResponseWriter, *http.Request) {})
	go http.Serve(l, mux)

	plain, err := net.ListenTCP("tcp", &net.TCPAddr{Port: 8443})
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal((&http.Server{Handler: mux}).Serve(tls.NewListener(plain, &tls.Config{})))
}
