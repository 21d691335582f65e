// Command verdict is the app of the images that checks are judged in: it answers ok on
// /healthz at PORT, which may begin with a colon, or 8080, and keeps the file /tmp/alive young.
package main

import (
	"cmp"
	"log"
	"net"
	"net/http"
	"os"
	"strings"
	"time"
)

func main() {
	keepAlive()
	go func() {
		for range time.Tick(200 * time.Millisecond) {
			keepAlive()
		}
	}()
	http.HandleFunc("/healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok")) })
	l, err := net.Listen("tcp", ":"+strings.TrimPrefix(cmp.Or(os.Getenv("PORT"), "8080"), ":"))
	if err != nil {
		log.Fatal(err)
	}
	log.Printf("listening on %s", l.Addr())
	log.Fatal(http.Serve(l, nil))
}

func keepAlive() { _ = os.WriteFile("/tmp/alive", nil, 0o644) } // there may be no /tmp
