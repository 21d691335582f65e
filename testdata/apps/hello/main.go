// Command hello is a sample web server that can be told to fail: SIGUSR1 makes
// /healthz answer 503, SIGUSR2 makes it answer 200 again. It listens on PORT or 8080,
// on the Unix domain socket SOCKET, if set, and with TLS on 8443 if its kodata holds a
// certificate.
package main

import (
	"cmp"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"sync/atomic"
	"syscall"
)

func main() {
	var failing atomic.Bool
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGUSR1, syscall.SIGUSR2)
	go func() {
		for s := range signals {
			failing.Store(s == syscall.SIGUSR1)
		}
	}()
	http.HandleFunc("/healthz", func(w http.ResponseWriter, _ *http.Request) {
		if failing.Load() {
			http.Error(w, "db: connection refused", http.StatusServiceUnavailable)
		}
	})
	http.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("hello\n"))
	})
	if path := os.Getenv("SOCKET"); path != "" {
		l, err := net.Listen("unix", path)
		if err != nil {
			log.Fatal(err)
		}
		go func() { log.Fatal(http.Serve(l, nil)) }()
	}
	if cert := filepath.Join(os.Getenv("KO_DATA_PATH"), "cert.pem"); exists(cert) {
		go func() {
			log.Fatal(http.ListenAndServeTLS(":8443", cert, filepath.Join(filepath.Dir(cert), "key.pem"), nil))
		}()
	}
	log.Fatal(http.ListenAndServe(":"+cmp.Or(os.Getenv("PORT"), "8080"), nil))
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
