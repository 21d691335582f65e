// It asks others, and listens nowhere.
package main

import (
	"log"
	"net/http"
	"time"
)

func main() {
	for range time.Tick(time.Minute) {
		if _, err := http.Get("http://queue.example.com:8080/healthz"); err != nil {
			log.Println(err)
		}
	}
}
