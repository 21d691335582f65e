// Servers that have gRPC's health service, but for those at ports from 9000 on, which do
// not speak HTTP/2 or have it at another path.
package main

import (
	"crypto/tls"
	"net/http"

	"connectrpc.com/grpchealth"
	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
)

func routes() *http.ServeMux {
	mux := http.NewServeMux()
	mux.Handle(grpchealth.NewHandler(grpchealth.NewStaticChecker()))
	return mux
}

func only2() {
	mux := http.NewServeMux()
	mux.Handle(grpchealth.NewHandler(grpchealth.NewStaticChecker()))
	mux.HandleFunc("/livez", func(http.ResponseWriter, *http.Request) {})
	s := &http.Server{Addr: ":8081", Handler: mux, Protocols: new(http.Protocols)}
	s.Protocols.SetUnencryptedHTTP2(true)
	s.ListenAndServe()
}

func only1(mux *http.ServeMux) {
	s := &http.Server{Addr: ":9001", Handler: mux, Protocols: new(http.Protocols)}
	s.Protocols.SetHTTP1(true)
	s.Protocols.SetUnencryptedHTTP2(false)
	go s.ListenAndServe()
	t := &http.Server{Addr: ":9002", Handler: mux, Protocols: s.Protocols}
	go t.ListenAndServeTLS("tls.crt", "tls.key")
	u := &http.Server{Addr: ":9003", Handler: mux, TLSNextProto: map[string]func(*http.Server, *tls.Conn, http.Handler){}}
	go u.ListenAndServeTLS("tls.crt", "tls.key")
	l, _ := tls.Listen("tcp", ":9004", nil)
	http.Serve(l, mux)
}

func elsewhere() {
	both := new(http.Protocols)
	both.SetHTTP1(true)
	both.SetUnencryptedHTTP2(true)

	below := http.NewServeMux()
	below.Handle("/grpc/", http.StripPrefix("/grpc", routes()))
	go (&http.Server{Addr: ":9005", Handler: below, Protocols: both}).ListenAndServe()

	other := http.NewServeMux()
	_, handler := grpchealth.NewHandler(grpchealth.NewStaticChecker())
	other.Handle("/other/", handler)
	go (&http.Server{Addr: ":9006", Handler: other, Protocols: both}).ListenAndServe()

	go http.ListenAndServe(":9007", handler)
	http.ListenAndServeTLS(":9008", "tls.crt", "tls.key", nil)
}

func main() {
	go only2()
	go only1(routes())
	go elsewhere()
	s := grpc.NewServer()
	healthpb.RegisterHealthServer(s, health.NewServer())
	http.ListenAndServeTLS(":8443", "tls.crt", "tls.key", s)
}
