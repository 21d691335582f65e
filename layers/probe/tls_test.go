package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
)

// A signer is a certificate and its key: of an authority or of somebody else.
type signer struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// sign returns a new certificate; a nil signer signs it with its own key.
func (s *signer) sign(t testing.TB, template x509.Certificate) *signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template.SerialNumber = big.NewInt(1)
	template.BasicConstraintsValid = true
	if template.NotAfter.IsZero() {
		template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	}
	parent, parentKey := &template, key
	if s != nil {
		parent, parentKey = s.cert, s.key
	}
	der, err := x509.CreateCertificate(rand.Reader, &template, parent, &key.PublicKey, parentKey)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &signer{cert, key}
}

func (s *signer) tls() tls.Certificate {
	return tls.Certificate{Certificate: [][]byte{s.cert.Raw}, PrivateKey: s.key}
}

// files writes certificate and key, and returns the files' names.
func (s *signer) files(t testing.TB) (cert, key string) {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(s.key)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for name, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: s.cert.Raw}, key: {Type: "PRIVATE KEY", Bytes: der}} {
		if err := os.WriteFile(name, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}

func authority(t testing.TB, name string) *signer {
	return (*signer)(nil).sign(t, x509.Certificate{Subject: pkix.Name{CommonName: name}, IsCA: true, KeyUsage: x509.KeyUsageCertSign})
}

var localhost = x509.Certificate{DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}

// serveTLS is an HTTP server with TLS that says which HTTP it was asked with.
func serveTLS(t testing.TB, l net.Listener, config *tls.Config) {
	t.Helper()
	s := &http.Server{TLSConfig: config.Clone(), ErrorLog: log.New(io.Discard, "", 0), Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s %s %q", r.Proto, r.Host, r.TLS.ServerName)
	})}
	go s.ServeTLS(l, "", "")
	t.Cleanup(func() { s.Close() })
}

// serveALPN only shakes hands, for one protocol.
func serveALPN(t *testing.T, l net.Listener, cert *signer, protocol string) {
	t.Helper()
	config := &tls.Config{Certificates: []tls.Certificate{cert.tls()}, NextProtos: []string{protocol}}
	serve(t, l, func(c net.Conn) { tls.Server(c, config).Handshake() })
}

func TestTLS(t *testing.T) {
	ca, other := authority(t, "Our CA"), authority(t, "Their CA")
	good, client := ca.sign(t, localhost), ca.sign(t, x509.Certificate{})
	caFile, _ := ca.files(t)
	otherFile, _ := other.files(t)
	certFile, keyFile := client.files(t)
	strangerCert, strangerKey := other.sign(t, x509.Certificate{}).files(t)
	empty := filepath.Join(t.TempDir(), "empty")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	files := strings.NewReplacer("OTHER", otherFile, "STRANGER", strangerCert, "STRANGEKEY", strangerKey,
		"CERT", certFile, "KEY", keyFile, "CA", caFile, "EMPTY", empty)

	year := func(y int) time.Time { return time.Date(y, 2, 3, 4, 5, 6, 0, time.UTC) }
	in := func(c x509.Certificate, from, to int) x509.Certificate {
		c.NotBefore, c.NotAfter = year(from), year(to)
		return c
	}
	with := func(certs ...*signer) func(net.Listener) {
		config := &tls.Config{}
		for _, c := range certs {
			config.Certificates = append(config.Certificates, c.tls())
		}
		return func(l net.Listener) { serveTLS(t, l, config) }
	}
	clients := func(auth tls.ClientAuthType, version uint16) func(net.Listener) {
		pool := x509.NewCertPool()
		pool.AddCert(ca.cert)
		return func(l net.Listener) {
			serveTLS(t, l, &tls.Config{Certificates: []tls.Certificate{good.tls()}, ClientAuth: auth, ClientCAs: pool, MaxVersion: version})
		}
	}
	raw := func(handle func(net.Conn)) func(net.Listener) { return func(l net.Listener) { serve(t, l, handle) } }
	oldCA := (*signer)(nil).sign(t, in(x509.Certificate{Subject: pkix.Name{CommonName: "Old CA"}, IsCA: true, KeyUsage: x509.KeyUsageCertSign}, 2001, 2002))
	oldCAFile, _ := oldCA.files(t)

	const waiting = `(waiting for the status line|sending the request|TLS handshake): the server asks for a client certificate`
	tests := []struct {
		name  string
		serve func(net.Listener)
		args  string // separated by |; CA is a file, PORT the port
		want  string // behind the URL
	}{
		{"private CA", with(good), "-cacert=CA|https://:PORT/", ""},
		{"HTTP/1.1 and localhost", with(good), `-cacert=CA|-body=HTTP/1.1 localhost:PORT "localhost"|https://:PORT/`, ""},
		{"HTTP/2", with(good), `-cacert=CA|-http2|-body=HTTP/2.0 localhost:PORT "localhost"|https://:PORT/`, ""},
		{"address", with(good), `-cacert=CA|-body=HTTP/1.1 127.0.0.1:PORT ""|https://127.0.0.1:PORT/`, ""},
		{"name", with(ca.sign(t, x509.Certificate{DNSNames: []string{"*.example.org"}})),
			`-cacert=CA|-servername=app.example.org|-body="app.example.org"|https://:PORT/`, ""},
		{"authority of the image", with(good), "https://:PORT/", ""},
		{"insecure", with((*signer)(nil).sign(t, in(x509.Certificate{}, 2001, 2002))), "-insecure|https://:PORT/", ""},
		{"status", with(good), "-cacert=CA|-status=404|https://:PORT/", `200 "OK": "HTTP/1\.1 localhost:PORT \\"localhost\\""`},
		{"with a plain target", with(good), "-cacert=CA|https://:PORT/|tcp://:PORT", ""},

		{"expired", with(ca.sign(t, in(localhost, 2001, 2002))), "-cacert=CA|https://:PORT/", "the certificate expired on 2002-02-03 04:05 UTC"},
		{"not yet valid", with(ca.sign(t, in(localhost, 2101, 2102))), "-cacert=CA|https://:PORT/", "the certificate is not valid before 2101-02-03 04:05 UTC"},
		{"expired authority", with(oldCA.sign(t, localhost)), "-cacert=" + oldCAFile + "|https://:PORT/",
			`the certificate of the authority "CN=Old CA" expired on 2002-02-03 04:05 UTC`},
		{"wrong name", with(ca.sign(t, x509.Certificate{DNSNames: []string{"app.example.org"}, IPAddresses: []net.IP{net.IPv4(10, 0, 0, 1)}})),
			"-cacert=CA|https://:PORT/", `the certificate is for "app\.example\.org 10\.0\.0\.1", not for "localhost": say with -servername which name it has to hold`},
		{"wrong address", with(good), "-cacert=CA|https://127.0.0.2:PORT/", `the certificate is for "localhost 127\.0\.0\.1", not for "127\.0\.0\.2": say with .*`},
		{"no name", with(ca.sign(t, x509.Certificate{Subject: pkix.Name{CommonName: "localhost"}})), "-cacert=CA|https://:PORT/",
			`the certificate is for no host, not for "localhost": .*`},
		{"self-signed", with((*signer)(nil).sign(t, localhost)), "-cacert=CA|https://:PORT/",
			"the certificate is self-signed: give it with -cacert, or do not verify it with -insecure"},
		{"unknown authority", with(good), "-cacert=OTHER|https://:PORT/",
			`the certificate is signed by an unknown authority, "CN=Our CA": give its certificate with -cacert`},
		{"no authorities", with(good), "NOCA|https://:PORT/", "the image has no CA certificates: give those of the app's with -cacert"},
		{"no such file", with(good), "-cacert=/no/such/file|https://:PORT/", `reading -cacert "/no/such/file": no such file or directory`},
		{"empty file", with(good), "-cacert=EMPTY|https://:PORT/", `-cacert ".*" holds no certificate in PEM form`},

		{"plain HTTP", func(l net.Listener) { serveHTTP(t, l, &http.Server{}) }, "-insecure|https://:PORT/", "answer is plain HTTP: the port does not speak TLS"},
		{"SSH", raw(func(c net.Conn) { io.WriteString(c, "SSH-2.0-OpenSSH\r\n"); io.Copy(io.Discard, c) }), "-insecure|https://:PORT/",
			`answer is not TLS: it begins with "SSH-2"`},
		{"silent", raw(func(c net.Conn) { io.Copy(io.Discard, c) }), "-insecure|-timeout=1s|https://:PORT/", "TLS handshake: timed out"},
		{"handshake and then silent", func(l net.Listener) {
			serve(t, l, func(c net.Conn) {
				io.Copy(io.Discard, tls.Server(c, &tls.Config{Certificates: []tls.Certificate{good.tls()}}))
			})
		}, "-insecure|-timeout=1s|https://:PORT/", "waiting for the status line: timed out"},
		{"drips", func(l net.Listener) {
			config := &tls.Config{Certificates: []tls.Certificate{good.tls()}}
			serve(t, l, func(c net.Conn) { drip("", "HTTP/1.1 200 "+strings.Repeat("O", 10_000))(tls.Server(c, config)) })
		}, "-insecure|-timeout=1s|https://:PORT/", `waiting for the rest of "HTTP/1\.1.*": timed out`},
		{"closes after the handshake", func(l net.Listener) { serveALPN(t, l, good, "http/1.1") }, "-insecure|https://:PORT/",
			"(waiting for the status line|sending the request): (the connection was closed|connection reset by peer|broken pipe)"},
		{"closes", raw(func(c net.Conn) { c.Read(make([]byte, 4096)) }), "-insecure|https://:PORT/", "TLS handshake: the connection was closed"},
		{"alert", raw(func(c net.Conn) { c.Read(make([]byte, 4096)); io.WriteString(c, "\x15\x03\x01\x00\x02\x02\x28") }), "-insecure|https://:PORT/",
			`TLS handshake: the server says "handshake failure"`},
		{"old TLS", func(l net.Listener) {
			serveTLS(t, l, &tls.Config{Certificates: []tls.Certificate{good.tls()}, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11})
		}, "-insecure|https://:PORT/", `TLS handshake: the server says "protocol version not supported"`},
		{"no HTTP/2", func(l net.Listener) { serveALPN(t, l, good, "http/1.1") }, "-insecure|-http2|https://:PORT/", "the server does not speak HTTP/2"},
		{"no HTTP/1.1", func(l net.Listener) { serveALPN(t, l, good, "acme-tls/1") }, "-insecure|https://:PORT/",
			"the server does not speak HTTP/1.1: ask it with -http2"},

		{"client certificate", clients(tls.RequireAndVerifyClientCert, 0), "-cacert=CA|-cert=CERT|-key=KEY|https://:PORT/", ""},
		{"client certificate in TLS 1.2", clients(tls.RequireAndVerifyClientCert, tls.VersionTLS12), "-cacert=CA|-cert=CERT|-key=KEY|https://:PORT/", ""},
		{"no client certificate", clients(tls.RequireAndVerifyClientCert, 0), "-cacert=CA|https://:PORT/", waiting + ": give it one with -cert and -key: .*"},
		{"no client certificate in TLS 1.2", clients(tls.RequireAndVerifyClientCert, tls.VersionTLS12), "-cacert=CA|https://:PORT/",
			waiting + ": give it one with -cert and -key: .*"},
		{"optional client certificate", clients(tls.VerifyClientCertIfGiven, 0), "-cacert=CA|https://:PORT/", ""},
		{"optional client certificate and a body up to the end", func(l net.Listener) {
			config := &tls.Config{Certificates: []tls.Certificate{good.tls()}, ClientAuth: tls.RequestClientCert}
			serve(t, l, func(c net.Conn) {
				s := tls.Server(c, config)
				answer("HTTP/1.1 200 OK\r\n\r\nready")(s)
				s.Close()
			})
		}, "-cacert=CA|-body=busy|https://:PORT/", `200 "OK": the body does not hold "busy": "ready"`},
		{"strange client certificate", clients(tls.RequireAndVerifyClientCert, 0), "-cacert=CA|-cert=STRANGER|-key=STRANGEKEY|https://:PORT/",
			waiting + ", and may not like the one of -cert: .*"},
		{"wrong key", with(good), "-cacert=CA|-cert=CERT|-key=STRANGEKEY|https://:PORT/", "reading -cert and -key: private key does not match public key"},
		{"no key", with(good), "-cacert=CA|-cert=CERT|-key=/no/such/key|https://:PORT/", `reading -key "/no/such/key": no such file or directory`},
		{"no certificate", with(good), "-cacert=CA|-cert=EMPTY|-key=KEY|https://:PORT/", "reading -cert and -key: failed to find any PEM data in certificate input"},
	}
	for _, v := range tlsVariants {
		for _, tt := range tests {
			t.Run(v.name+"/"+tt.name, func(t *testing.T) {
				t.Parallel()
				l := listen(t, "tcp")
				tt.serve(l)
				withPort := strings.NewReplacer("PORT", port(l))
				args, env := strings.Split(files.Replace(withPort.Replace(tt.args)), "|"), "SSL_CERT_FILE="+caFile
				if args[0] == "NO"+caFile {
					args, env = args[1:], "SSL_CERT_FILE="+empty
				}
				var want []string
				if tt.want != "" {
					want = []string{`GET https://127\.0\.0\.\d:` + port(l) + "/: " + withPort.Replace(tt.want)}
					if strings.HasPrefix(tt.want, "reading") || strings.HasPrefix(tt.want, "-cacert") || strings.HasPrefix(tt.want, "the image") {
						want[0] = strings.Replace(want[0], `127\.0\.0\.\d`, "", 1) // nothing was dialled
					}
				}
				v.run(t, []string{env, "SSL_CERT_DIR=" + filepath.Dir(empty) + "/none"}, args...).check(t, want...)
			})
		}
	}
}

func TestGRPCOverTLS(t *testing.T) {
	ca := authority(t, "Our CA")
	good := ca.sign(t, localhost)
	cert := good.tls()
	caFile, _ := ca.files(t)
	for _, v := range tlsVariants {
		l, old := listen(t, "tcp"), listen(t, "tcp")
		serveGRPC(t, l, grpc.Creds(credentials.NewServerTLSFromCert(&cert)))
		serveALPN(t, old, good, "http/1.1")
		at := `grpcs://127\.0\.0\.1:` + port(l)
		v.run(t, nil, "-cacert", caFile, "grpcs://:"+port(l)+"/up").check(t)
		v.run(t, nil, "-cacert", caFile, "grpcs://:"+port(l)+"/down").check(t, at+"/down: serving status NOT_SERVING")
		v.run(t, nil, "-cacert="+caFile, "-servername=app", "grpcs://:"+port(l)).check(t, at+`: the certificate is for .*, not for "app": .*`)
		v.run(t, nil, "-cacert", caFile, "grpc://:"+port(l), "grpcs://:"+port(l)).check(t, `grpc://127\.0\.0\.1:`+port(l)+
			`: waiting for HTTP/2 settings: (the connection was closed|connection reset by peer): perhaps the port does not speak HTTP/2, or only through TLS`)
		v.run(t, nil, "-insecure", "grpcs://:"+port(old)).check(t, `grpcs://127\.0\.0\.1:`+port(old)+": the server does not speak HTTP/2")
	}
}

// TestWithoutTLS shows what a probe says that was compiled for another check.
func TestWithoutTLS(t *testing.T) {
	for _, v := range variants {
		v.run(t, nil, "https://:1/up", "grpcs://:1/svc", "-insecure").check(t,
			"GET https://:1/up: this image was built for another check, with a probe without TLS: build it with this one",
			"grpcs://:1/svc: this image was built for another check, with a probe without TLS: build it with this one")
	}
}
