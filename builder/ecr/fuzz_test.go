package ecr

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"testing"

	registrytransport "github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

// FuzzAnswer reads whatever a registry says as the registry client itself reads it, and
// leaves it to be read again.
func FuzzAnswer(f *testing.F) {
	f.Add(404, []byte(`{"errors":[{"code":"NAME_UNKNOWN","message":"The repository with name 'a' does not exist in the registry with id '1'"}]}`))
	f.Add(429, []byte(`{"errors":[{"code":"TOOMANYREQUESTS","message":"Rate exceeded"}]}`))
	f.Add(403, []byte(`{"errors":[{"code":"DENIED","message":"Your authorization token has expired. Reauthenticate and try again.","detail":{"a":[1]}},{}]}`))
	f.Add(401, []byte("Not Authorized\n"))
	f.Add(400, []byte(`{"errors":[]}`))
	f.Add(400, []byte(`{"errors":null}`))
	f.Add(500, []byte(`{"errors":[{"code":1}]}`))
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		if len(body) > answerLimit {
			t.Skip("readAnswer reads the beginning of a longer answer, the registry client all of it, so they may differ")
		}
		resp := &http.Response{StatusCode: status, Body: io.NopCloser(bytes.NewReader(body))}
		a, err := readAnswer(resp)
		if err != nil || a.status != status {
			t.Fatalf("got %v, %v", a, err)
		}
		var client *registrytransport.Error
		if !errors.As(registrytransport.CheckError(resp), &client) {
			t.Fatal("the registry client finds no error")
		}
		want := registrytransport.Diagnostic{}
		if len(client.Errors) > 0 {
			want = client.Errors[0]
		}
		if a.code != "" && (a.code != want.Code || a.text != want.Message) {
			t.Errorf("got %+v, the registry client %+v", a, want)
		}
	})
}
