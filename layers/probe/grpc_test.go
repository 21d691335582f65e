package main

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// serveGRPC serves the health of several services, with what grpc-go brings along.
func serveGRPC(t testing.TB, l net.Listener, opts ...grpc.ServerOption) {
	t.Helper()
	h := health.NewServer()
	for service, state := range map[string]grpc_health_v1.HealthCheckResponse_ServingStatus{
		"up": grpc_health_v1.HealthCheckResponse_SERVING, "down": grpc_health_v1.HealthCheckResponse_NOT_SERVING,
		"starting": grpc_health_v1.HealthCheckResponse_UNKNOWN, "gone": grpc_health_v1.HealthCheckResponse_SERVICE_UNKNOWN,
		"future": 77, strings.Repeat("long.", 200): grpc_health_v1.HealthCheckResponse_SERVING,
	} {
		h.SetServingStatus(service, state)
	}
	s := grpc.NewServer(opts...)
	grpc_health_v1.RegisterHealthServer(s, h)
	go s.Serve(l)
	t.Cleanup(s.Stop)
}

// judgeCall answers calls for some services in a way of its own.
func judgeCall(ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	md, _ := metadata.FromIncomingContext(ctx)
	switch req.(*grpc_health_v1.HealthCheckRequest).Service {
	case "secret":
		if got := strings.Join(md.Get("authorization"), "|"); got != "Bearer s3cret" {
			return nil, status.Error(codes.Unauthenticated, "the token "+got+" is wrong: 100% größer\n")
		}
		return &grpc_health_v1.HealthCheckResponse{Status: grpc_health_v1.HealthCheckResponse_SERVING}, nil
	case "hurried":
		deadline, ok := ctx.Deadline()
		if left := time.Until(deadline); !ok || left > 12*time.Second || left < 5*time.Second {
			return nil, status.Errorf(codes.Internal, "%v is left", left)
		}
		return &grpc_health_v1.HealthCheckResponse{Status: grpc_health_v1.HealthCheckResponse_SERVING}, nil
	case "busy":
		return nil, status.Error(codes.Unavailable, "")
	case "odd":
		return nil, status.Error(42, "why")
	case "hung":
		<-ctx.Done() // no answer at all: the connection's end, or the deadline
		return nil, ctx.Err()
	}
	return next(ctx, req)
}

func TestGRPC(t *testing.T) {
	tests := []struct {
		name, args string // PORT stands for the server's port, separated by |
		want       string // behind the target; "" means healthy
	}{
		{"server", "grpc://:PORT", ""},
		{"server and slash", "grpc://localhost:PORT/", ""},
		{"service", "grpc://:PORT/up", ""},
		{"long service", "grpc://:PORT/" + strings.Repeat("long.", 200), ""},
		{"not serving", "grpc://:PORT/down", "serving status NOT_SERVING"},
		{"unknown", "grpc://:PORT/starting", "serving status UNKNOWN"},
		{"gone", "grpc://:PORT/gone", "serving status SERVICE_UNKNOWN"},
		{"future", "grpc://:PORT/future", "serving status 77"},
		{"unknown service", "grpc://:PORT/nope", `the health service does not know "nope": "unknown service"`},
		{"metadata", "-header=Authorization: Bearer ${TOKEN}|-header=X-Other: 1|-header=Connection: close|grpc://:PORT/secret", ""},
		{"no metadata", "grpc://:PORT/secret", `status UNAUTHENTICATED: "the token  is wrong: 100% größer"`},
		{"no message", "grpc://:PORT/busy", "status UNAVAILABLE"},
		{"unknown code", "grpc://:PORT/odd", `status 42: "why"`},
		{"deadline", "-timeout=10s|grpc://:PORT/hurried", ""},
		{"hung", "-timeout=1s|grpc://:PORT/hung", "waiting for the response: timed out"},
		{"long header", "-header=X-Long: " + strings.Repeat("x", 40<<10) + "|grpc://:PORT", ""},
	}
	for _, v := range allVariants() {
		for _, tt := range tests {
			t.Run(v.name+"/"+tt.name, func(t *testing.T) {
				t.Parallel()
				l := listen(t, "tcp4")
				serveGRPC(t, l, grpc.UnaryInterceptor(judgeCall), grpc.MaxHeaderListSize(1<<20))
				args := strings.Split(strings.ReplaceAll(tt.args, "PORT", port(l)), "|")
				var want []string
				if tt.want != "" {
					_, service, _ := strings.Cut(strings.TrimPrefix(args[len(args)-1], "grpc://"), "/")
					want = []string{`grpc://127\.0\.0\.1:` + port(l) + "/" + service + ": " + tt.want}
				}
				v.run(t, []string{"TOKEN=s3cret"}, args...).check(t, want...)
			})
		}
	}
}

// TestNotGRPC shows what the probe says of servers that do not answer.
func TestNotGRPC(t *testing.T) {
	h2c := func(t *testing.T, l net.Listener) {
		var p http.Protocols
		p.SetUnencryptedHTTP2(true)
		serveHTTP(t, l, &http.Server{Protocols: &p, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("X-Html") == "" {
				http.NotFound(w, r)
				return
			}
			w.Header().Set("Content-Type", "text/html")
			io.WriteString(w, "<html>")
		})})
	}
	raw := func(handle func(net.Conn)) func(*testing.T, net.Listener) {
		return func(t *testing.T, l net.Listener) { serve(t, l, handle) }
	}
	tests := []struct {
		name  string
		serve func(*testing.T, net.Listener)
		args  string
		want  string
	}{
		{"no health service", func(t *testing.T, l net.Listener) {
			s := grpc.NewServer()
			go s.Serve(l)
			t.Cleanup(s.Stop)
		}, "", `the server has no health service: register grpc\.health\.v1\.Health, or check tcp:// instead: "unknown service grpc\.health\.v1\.Health"`},
		{"HTTP/2", h2c, "", `answer is HTTP/2 but not gRPC: 404: "404 page not found"`},
		{"HTTP/2 with a page", h2c, "-header=X-Html: 1", `answer is HTTP/2 but not gRPC: content-type "text/html": 200: "<html>"`},
		{"HTTP/1", raw(answer("HTTP/1.1 400 Bad Request\r\n\r\n")), "", `answer is HTTP/1: the port does not speak HTTP/2: "HTTP/1\.1 400 Bad Request"`},
		{"TLS alert", raw(hold("\x15\x03\x01\x00\x02\x02\x46")), "-timeout=500ms", "answer is a TLS alert: the port speaks TLS, not plain HTTP/2"},
		{"SSH", raw(hold("SSH-2.0-OpenSSH_9.6\r\n")), "", `answer is not HTTP/2: "SSH-2\.0-OpenSSH_9\.6"`},
		{"closes at once", raw(answer("")), "", "waiting for HTTP/2 settings: the connection was closed: perhaps the port does not speak HTTP/2, or only through TLS"},
		{"silent", raw(hold("")), "-timeout=500ms", "waiting for HTTP/2 settings: timed out"},
		{"drips", raw(drip(preface[24:], strings.Repeat("\x00\x00\x00\x04\x00\x00\x00\x00\x00", 1000))), "-timeout=1s",
			"waiting for the response: timed out"},
		{"settings for ever", raw(endless("", preface[24:], 0)), "", "waiting for the response: longer than the probe reads"},
	}
	for _, v := range systems() {
		for _, tt := range tests {
			t.Run(v.name+"/"+tt.name, func(t *testing.T) {
				t.Parallel()
				l := listen(t, "tcp4")
				tt.serve(t, l)
				args := []string{"grpc://:" + port(l) + "/svc"}
				if tt.args != "" {
					args = append(args, tt.args)
				}
				v.run(t, nil, args...).check(t, `grpc://127\.0\.0\.1:`+port(l)+"/svc: "+tt.want)
			})
		}
	}
}

// serveHTTP serves with net/http.
func serveHTTP(t *testing.T, l net.Listener, s *http.Server) {
	t.Helper()
	go s.Serve(l)
	t.Cleanup(func() { s.Close() })
}
