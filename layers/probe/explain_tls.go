//go:build tls

package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"strings"
	"time"

	"github.com/ko-health/kohealth/builder/health/probeargs"
)

// explainTLS returns what is to be said of a handshake that went wrong because of the
// server's certificate or protocol, or nil if it was something else.
func (c *tlsConn) explainTLS(err error) error {
	var foreign tls.RecordHeaderError
	var cert *tls.CertificateVerificationError
	switch {
	case errors.As(err, &foreign) && string(foreign.RecordHeader[:]) == "HTTP/":
		return errors.New("answer is plain HTTP: the port does not speak TLS")
	case errors.As(err, &foreign):
		return errors.New("answer is not TLS: it begins with " + snippet(foreign.RecordHeader[:]))
	case errors.As(err, &cert):
		return c.explainCertificate(cert)
	case alertOf(err) == "no application protocol" && c.config.NextProtos[0] == "h2":
		return errors.New("the server does not speak HTTP/2")
	case alertOf(err) == "no application protocol":
		return errors.New("the server does not speak HTTP/1.1: ask it with " + c.flag("-http2"))
	}
	return nil
}

// explainCertificate says what is wrong with a certificate, and what to do about it.
func (c *tlsConn) explainCertificate(err *tls.CertificateVerificationError) error {
	leaf := err.UnverifiedCertificates[0]
	var invalid x509.CertificateInvalidError
	var authority x509.UnknownAuthorityError
	var name x509.HostnameError
	switch {
	case errors.As(err.Err, &invalid) && invalid.Reason == x509.Expired:
		return outOfTime(invalid.Cert)
	case errors.As(err.Err, &name):
		return errors.New("the certificate is for " + names(leaf) + ", not for " + probeargs.Quote(c.config.ServerName) +
			": say with " + c.flag("-servername") + " which name it has to hold")
	case errors.As(err.Err, &authority) && leaf.CheckSignature(leaf.SignatureAlgorithm, leaf.RawTBSCertificate, leaf.Signature) == nil:
		return errors.New("the certificate is self-signed: give it with " + c.flag("-cacert") + ", or do not verify it with " + c.flag("-insecure"))
	case errors.As(err.Err, &authority):
		issuer := err.UnverifiedCertificates[len(err.UnverifiedCertificates)-1].Issuer
		return errors.New("the certificate is signed by an unknown authority, " + probeargs.Quote(cut(issuer.String(), maxSnippet)) +
			": give its certificate with " + c.flag("-cacert"))
	}
	return in("the certificate is not valid", tlsCause(err.Err))
}

// outOfTime describes a certificate, perhaps of an authority, whose time has passed or
// has not come.
func outOfTime(cert *x509.Certificate) error {
	const layout = "2006-01-02 15:04 UTC"
	what := "the certificate"
	if cert.IsCA {
		what += " of the authority " + probeargs.Quote(cut(cert.Subject.String(), maxSnippet))
	}
	if time.Now().Before(cert.NotBefore) {
		return errors.New(what + " is not valid before " + cert.NotBefore.UTC().Format(layout))
	}
	return errors.New(what + " expired on " + cert.NotAfter.UTC().Format(layout))
}

// names returns the names that a certificate holds.
func names(cert *x509.Certificate) string {
	all := append([]string(nil), cert.DNSNames...)
	for _, ip := range cert.IPAddresses {
		all = append(all, ip.String())
	}
	if len(all) == 0 {
		return "no host"
	}
	return probeargs.Quote(cut(strings.Join(all, " "), maxSnippet))
}

// alertOf returns what a server says in an alert, or "".
func alertOf(err error) string {
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "remote error" {
		return strings.TrimPrefix(op.Err.Error(), "tls: ")
	}
	return ""
}

// tlsCause returns the cause of an error of crypto/tls.
func tlsCause(err error) error {
	if alert := alertOf(err); alert != "" {
		return errors.New("the server says " + probeargs.Quote(alert))
	}
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return errClosed
	}
	for _, prefix := range [...]string{"tls: ", "x509: "} {
		if text := strings.TrimPrefix(err.Error(), prefix); text != err.Error() {
			return errors.New(text)
		}
	}
	return err
}
