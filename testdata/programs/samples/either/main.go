// Where it listens depends on more than variables.
package main

import (
	"log"
	"net/http"
	"os"
)

func main() {
	addr := ":8080"
	if os.Getuid() == 0 {
		addr = ":80"
	}
	http.HandleFunc("/readyz", func(http.ResponseWriter, *http.Request) {})
	log.Fatal(http.ListenAndServe(addr, nil))
}
