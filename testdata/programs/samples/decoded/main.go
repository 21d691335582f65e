// Ports that a file may change.
package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
)

type config struct {
	Web struct{ Port int }
}

func main() {
	var c config
	c.Web.Port = 8001
	data, _ := os.ReadFile("config.json")
	json.Unmarshal(data, &c)
	http.HandleFunc("/healthz", func(http.ResponseWriter, *http.Request) {})
	go http.ListenAndServe(fmt.Sprintf(":%d", c.Web.Port), nil)

	port := "8002"
	fmt.Sscan(os.Args[1], &port)
	http.ListenAndServe(":"+port, http.NotFoundHandler())
}
