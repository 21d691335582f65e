// What depends on settings that are off is not there.
package main

import (
	"crypto/tls"
	"flag"
	"log"
	"net"
	"net/http"
	"os"
)

var (
	debug   = flag.String("debug", "", "address for debugging")
	secure  = flag.Bool("secure", false, "whether to have TLS")
	profile = flag.Bool("profile", false, "whether to profile")
)

type server struct {
	config *tls.Config
	mux    *http.ServeMux
}

func main() {
	flag.Parse()
	if *debug != "" {
		go http.ListenAndServe(*debug, nil)
	}
	if *profile {
		go http.ListenAndServe("localhost:6060", nil)
	}
	if addr, ok := os.LookupEnv("METRICS"); ok {
		go http.ListenAndServe(addr, nil)
	}
	s := &server{mux: http.NewServeMux()}
	if *secure {
		s.mux.HandleFunc("/livez", func(http.ResponseWriter, *http.Request) {})
	}
	s.mux.HandleFunc("/health", func(http.ResponseWriter, *http.Request) {})
	log.Fatal(s.run())
}

func (s *server) run() error {
	l, err := net.Listen("tcp", ":8080")
	if err != nil {
		return err
	}
	if s.config != nil {
		l = tls.NewListener(l, s.config)
	}
	if *secure {
		return http.ServeTLS(l, s.mux, "tls.crt", "tls.key")
	}
	return http.Serve(l, s.mux)
}
