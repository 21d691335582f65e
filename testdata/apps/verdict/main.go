// Command verdict is the app of the images that checks are judged in: it answers ok on
// /healthz at PORT, which may begin with a colon, or 8080, serves gRPC's health service
// there, too, and keeps the file /tmp/alive young.
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
	http.HandleFunc("/grpc.health.v1.Health/Check", serving)
	l, err := net.Listen("tcp", ":"+strings.TrimPrefix(cmp.Or(os.Getenv("PORT"), "8080"), ":"))
	if err != nil {
		log.Fatal(err)
	}
	log.Printf("listening on %s", l.Addr())
	server := http.Server{Protocols: new(http.Protocols)}
	server.Protocols.SetHTTP1(true)
	server.Protocols.SetUnencryptedHTTP2(true)
	log.Fatal(server.Serve(l))
}

// serving answers as gRPC's health service does: a message of two bytes, whose first field
// is the status SERVING.
func serving(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/grpc")
	_, _ = w.Write([]byte{0, 0, 0, 0, 2, 0x08, 1})
	w.Header().Set(http.TrailerPrefix+"Grpc-Status", "0")
}

func keepAlive() { _ = os.WriteFile("/tmp/alive", nil, 0o644) } // there may be no /tmp
