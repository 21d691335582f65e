// Command verdict is the app of the images that checks are judged in: it answers ok on
// /healthz at PORT, or 8080, and keeps the file /tmp/alive young.
package main

import (
	"cmp"
	"log"
	"net/http"
	"os"
	"time"
)

func main() {
	go func() {
		for {
			_ = os.WriteFile("/tmp/alive", nil, 0o644) // there may be no /tmp
			time.Sleep(200 * time.Millisecond)
		}
	}()
	http.HandleFunc("/healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok")) })
	log.Fatal(http.ListenAndServe(":"+cmp.Or(os.Getenv("PORT"), "8080"), nil))
}
