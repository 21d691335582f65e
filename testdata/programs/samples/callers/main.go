// A function that serves is called with an address that is known, and with one that is
// not. Another one wraps handlers of several servers.
package main

import (
	"log"
	"net/http"
	"os"
	"strings"
)

func serve(addr string, h http.Handler) error { return http.ListenAndServe(addr, h) }

func logged(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		log.Println(r.URL)
		h.ServeHTTP(w, r)
	})
}

type app struct{ addr string }

func (a app) run() error { return http.ListenAndServe(a.addr, http.NotFoundHandler()) }

func main() {
	challenge, web, admin := http.NewServeMux(), http.NewServeMux(), http.NewServeMux()
	web.HandleFunc("/healthz", func(http.ResponseWriter, *http.Request) {})
	admin.HandleFunc("/livez", func(http.ResponseWriter, *http.Request) {})
	go serve(":http", challenge)
	go serve(address(), logged(web))
	go serve(":8081", logged(admin))
	go app{":8082"}.run()
	log.Fatal(app{":" + os.Getenv("PORT")}.run()) // 8082 does not stand in for PORT
}

func address() string {
	data, _ := os.ReadFile("/etc/address")
	return strings.ToLower(string(data))
}
