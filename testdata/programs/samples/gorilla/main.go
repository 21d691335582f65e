// HTTPS for the world, and HTTP that redirects to it.
package main

import (
	"log"
	"net/http"
	"time"

	"github.com/gorilla/mux"
)

func main() {
	r := mux.NewRouter()
	s := r.PathPrefix("/system").Subrouter()
	s.HandleFunc("/healthz", func(http.ResponseWriter, *http.Request) {}).Methods("GET")

	go http.ListenAndServe(":http", http.RedirectHandler("https://example.com/", http.StatusMovedPermanently))

	var srv http.Server
	srv.Addr = ":https"
	srv.Handler = http.TimeoutHandler(r, time.Second, "late")
	log.Fatal(srv.ListenAndServeTLS("/tls/tls.crt", "/tls/tls.key"))
}
