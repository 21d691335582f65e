// Paths that look like health routes but are not, as each comment says.
package main

import (
	"log"
	"net/http"

	"github.com/gin-gonic/gin"
	"github.com/go-chi/chi/v5"
	"github.com/gorilla/mux"
)

func ok(http.ResponseWriter, *http.Request) {}

func main() {
	r := mux.NewRouter()
	r.HandleFunc("/status", ok).Methods("POST")       // not for GET
	r.Methods("PUT").Path("/ping").HandlerFunc(ok)    // not for GET
	r.HandleFunc("/up", ok).Host("example.com")       // for one host
	r.PathPrefix("/health").Subrouter().Path("/live") // leads to others
	go http.ListenAndServe(":8001", r)

	var c chi.Router = chi.NewRouter()
	c = c.With()                // a chain without an end
	c.Mount("/health", alive()) // leads to others
	c.Head("/up", ok)           // not for GET
	go http.ListenAndServe(":8002", c)

	inner, outer := http.NewServeMux(), http.NewServeMux()
	inner.HandleFunc("/health/live", ok)
	outer.Handle("/health/", inner)              // leads to others
	outer.HandleFunc("HEAD /up", ok)             // not for GET
	outer.HandleFunc("example.com/healthz", ok)  // for one host
	outer.HandleFunc("GET example.com/ping", ok) // for one host
	go http.ListenAndServe(":8003", outer)

	g := gin.New()
	g.Match([]string{http.MethodPost}, "/status") // not for GET
	g.Match([]string{"POST", "GET"}, "/ping")
	log.Fatal(g.Run(":8004"))
}

func alive() http.Handler {
	r := chi.NewRouter()
	r.Get("/live", ok)
	return r
}
