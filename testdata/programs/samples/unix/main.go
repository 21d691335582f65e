// HTTP on a socket, with a mux below another one.
package main

import (
	"log"
	"net"
	"net/http"
	"os"
	"path/filepath"
)

func main() {
	api := http.NewServeMux()
	api.HandleFunc("/healthz", func(http.ResponseWriter, *http.Request) {})
	http.Handle("/api/", http.StripPrefix("/api", api))

	dir := os.Getenv("RUNTIME_DIR")
	if dir == "" {
		dir = "/run/app"
	}
	l, err := net.Listen("unix", filepath.Join(dir, "app.sock"))
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(http.Serve(l, nil))
}
