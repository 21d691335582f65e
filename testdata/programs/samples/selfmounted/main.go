// A router that is mounted below itself, many times.
package main

import (
	"log"
	"net/http"
)

func main() {
	mux := http.NewServeMux()
	mux.HandleFunc("/healthz", func(http.ResponseWriter, *http.Request) {})
	for _, p := range []string{"/a", "/b", "/c", "/d", "/e", "/f"} {
		mux.Handle(p+"/", http.StripPrefix(p, mux))
	}
	for _, p := range []string{"/g", "/h", "/i", "/j", "/k", "/l"} {
		mux.Handle(p+"/", http.StripPrefix(p, mux))
	}
	log.Fatal(http.ListenAndServe(":8080", mux))
}
