// The address comes from a helper, metrics have a server of their own, and a third one
// is never started.
package main

import (
	"cmp"
	"fmt"
	"log"
	"net/http"
	"os"
	"strconv"
)

func getenv(key, def string) string {
	if v, ok := os.LookupEnv(key); ok {
		return v
	}
	return def
}

func number(key string, def int) int {
	n, err := strconv.Atoi(os.Getenv(key))
	if err != nil {
		return def
	}
	return n
}

type server struct {
	mux  *http.ServeMux
	addr string
}

func newServer(addr string) *server {
	s := &server{mux: http.NewServeMux(), addr: addr}
	s.mux.HandleFunc("GET /{$}", s.index)
	s.mux.HandleFunc("POST /health", s.index)
	s.mux.HandleFunc("GET /internal/healthz", s.healthz)
	return s
}

func (s *server) index(w http.ResponseWriter, _ *http.Request)   { fmt.Fprintln(w, "hello") }
func (s *server) healthz(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") }

func logged(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		log.Println(r.URL)
		next.ServeHTTP(w, r)
	})
}

func (s *server) run() error {
	srv := &http.Server{Addr: s.addr, Handler: logged(s.mux)}
	return srv.ListenAndServe()
}

func unused() error { return http.ListenAndServe(":6060", nil) }

func main() {
	metrics := http.NewServeMux()
	metrics.HandleFunc("/metrics", func(http.ResponseWriter, *http.Request) {})
	go http.ListenAndServe(fmt.Sprintf("%s:%d", cmp.Or(os.Getenv("HOST"), "0.0.0.0"), number("METRICS_PORT", 9090)), metrics)
	log.Fatal(newServer(":" + getenv("PORT", "8080")).run())
}
