// Ways to say where an app listens that many apps have.
package main

import (
	"fmt"
	"log"
	"net/http"
	"os"
)

var base = ""

func main() {
	addr := "localhost:8081"
	if p := os.Getenv("WEB_PORT"); p != "" {
		addr = ":" + p
	}
	base = os.Getenv("BASE_URL")
	mux := http.NewServeMux()
	mux.HandleFunc(base+"/_healthz", func(http.ResponseWriter, *http.Request) {})
	go http.ListenAndServe(addr, mux)

	port := "8082"
	if value, ok := os.LookupEnv("PORT"); ok {
		port = value
	}
	port = fmt.Sprintf(":%s", port)
	other := http.NewServeMux()
	other.HandleFunc("/health", func(http.ResponseWriter, *http.Request) {})
	if len(os.Args) > 2 {
		fmt.Println("too many arguments")
		os.Exit(2)
	}
	log.Fatal(http.ListenAndServe(port, other))
}
