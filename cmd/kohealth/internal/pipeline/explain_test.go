package pipeline

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/ko-health/kohealth/builder/hint"
)

func TestExplainDestination(t *testing.T) {
	for _, test := range []struct {
		err  error
		hint string // a part of it; "" for none
	}{
		{&transport.Error{StatusCode: 401}, "log in with kohealth login"},
		{&transport.Error{StatusCode: 403}, "log in with kohealth login"},
		{&transport.Error{StatusCode: 500}, ""},
		{&net.DNSError{Name: "registry.example.com"}, "check the registry in KO_DOCKER_REPO"},
		{&tls.CertificateVerificationError{}, "--insecure-registry"},
		{errors.New("no space left on device"), ""},
		{hint.With(&transport.Error{StatusCode: 401}, "its own"), "its own"},
	} {
		got := hint.Of(explainDestination(fmt.Errorf("writing sbom: %w", test.err)))
		if test.hint == "" && got != "" || !strings.Contains(got, test.hint) {
			t.Errorf("hint of %v: %q, want %q", test.err, got, test.hint)
		}
	}
}
