package apk

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ko-health/kohealth/builder/hint"
	"github.com/ko-health/kohealth/layers"
	"github.com/ko-health/kohealth/layers/apk/apktest"
)

// What goes wrong with repositories and keys of one's own says what to do next.
func TestNextStep(t *testing.T) {
	t.Setenv("NETRC", filepath.Join(t.TempDir(), "none"))
	good := apktest.New(goodKey(), all()...)
	index := "x86_64/" + indexName
	private := serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) }))
	refusing := strings.Replace(private, "://", "://user:secret@", 1)
	tls := httptest.NewUnstartedServer(good)
	tls.Config.ErrorLog = log.New(io.Discard, "", 0)
	tls.StartTLS()
	t.Cleanup(tls.Close)
	incompleteDir := t.TempDir()
	incomplete := apktest.Repository{index: good[index], goodKey().Name: good[goodKey().Name]}
	if err := incomplete.Write(incompleteDir); err != nil {
		t.Fatal(err)
	}
	key := func(text []byte) string {
		name := filepath.Join(t.TempDir(), "key")
		if err := os.WriteFile(name, text, 0o644); err != nil {
			t.Fatal(err)
		}
		return name
	}
	for _, tt := range []struct {
		name, location, key string
		base                []layers.File
		want, hint          string
	}{
		{name: "no login", location: private, want: "401 Unauthorized", hint: "put user and password into"},
		{name: "wrong login", location: refusing, want: "401 Unauthorized", hint: "are not accepted"},
		{name: "unknown authority", location: tls.URL, want: "unknown authority", hint: "SSL_CERT_FILE"},
		{name: "web page", location: serve(t, apktest.Repository{index: []byte("<html>log in")}),
			want: "it is not a signed index", hint: "a page to log in"},
		{name: "unsigned", location: serve(t, apktest.Repository{index: apktest.Index(all()...)}),
			want: "no RSA signature", hint: "melange sign-index"},
		{name: "wrong key", location: serve(t, apktest.New(apktest.NewKey("private.rsa.pub"), all()...)), key: key(goodKey().PEM()),
			want: "no trusted key", hint: "that is another key"},
		{name: "no package on the server", location: serve(t, incomplete), want: "404 Not Found", hint: "complete the mirror"},
		{name: "no package in the directory", location: incompleteDir, want: "no such file", hint: "complete the mirror"},
		{name: "no key file", location: private, key: "none.pub", want: "none.pub", hint: "begin in the working directory"},
		{name: "not a key", location: private, key: key([]byte("x")), want: "it is not PEM", hint: "BEGIN PUBLIC KEY"},
		{name: "private key", location: private, key: key(privateKey(t)), want: `"PRIVATE KEY", not a "PUBLIC KEY"`, hint: "-pubout"},
		{name: "damaged base", location: serve(t, good), base: []layers.File{{Path: oldDatabase, Mode: 0o644, Content: []byte("garbage\n")}},
			want: `reading "/lib/apk/db/installed" of the base image: line "garbage"`, hint: "take another base image"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			req := request(t, tt.location, "curl")
			if tt.key != "" {
				req.Keys = []string{tt.key}
			}
			if tt.base != nil {
				req.Base = base(t, tt.base...)
			}
			_, err := newClient(t).Install(t.Context(), req)
			if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(hint.Of(err), tt.hint) {
				t.Errorf("error %v, hint %q; want %q, %q", err, hint.Of(err), tt.want, tt.hint)
			}
			if err != nil && strings.Contains(err.Error()+hint.Of(err), "secret") {
				t.Error("the error shows the password")
			}
		})
	}
}

func privateKey(t *testing.T) []byte {
	t.Helper()
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}
