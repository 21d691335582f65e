//go:build tls

package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"time"

	"github.com/ko-health/kohealth/builder/health/probeargs"
)

// open connects to a target, through TLS if it has to be, and says where that is.
func (c check) open(t probeargs.Target) (conn, string, error) {
	var config *tls.Config
	if t.IsTLS() {
		var err error
		if config, err = c.tlsConfig(t); err != nil {
			return nil, t.String(), err
		}
	}
	plain, a, err := dial(c.pinned(t), c.deadline)
	if err != nil || config == nil {
		return plain, at(t, a), err
	}
	secure := newTLSConn(plain, config, c.cmd.Flag)
	if err := secure.handshake(); err != nil {
		plain.close()
		return nil, at(t, a), err
	}
	return secure, at(t, a), nil
}

// tlsConfig returns how a target's server has to show who it is, and who the probe is.
func (c check) tlsConfig(t probeargs.Target) (*tls.Config, error) {
	config := &tls.Config{
		ServerName:         serverName(c.cmd.ServerName, t.Host),
		InsecureSkipVerify: c.cmd.Insecure, // only if the command line says so
		MinVersion:         tls.VersionTLS12,
		NextProtos:         []string{"http/1.1"},
	}
	if t.IsGRPC() || c.cmd.HTTP2 {
		config.NextProtos = []string{"h2"}
	}
	var err error
	if !c.cmd.Insecure {
		if config.RootCAs, err = c.authorities(c.cmd.CACert); err != nil {
			return nil, err
		}
	}
	if c.cmd.Cert != "" {
		config.Certificates, err = c.keyPair(c.cmd.Cert, c.cmd.Key)
	}
	return config, err
}

// serverName returns the name that a certificate has to hold: by default the one by
// which everybody calls a server in the same container, or its address.
func serverName(flag, host string) string {
	switch {
	case flag != "":
		return flag
	case host == "":
		return "localhost"
	}
	return host
}

// authorities returns those whose signature counts. None of its own means that of the
// image, which crypto/x509 finds in the usual places or by SSL_CERT_FILE.
func (c check) authorities(file string) (*x509.CertPool, error) {
	if file == "" {
		pool, err := x509.SystemCertPool()
		switch {
		case err != nil:
			return nil, in("reading the image's CA certificates", err)
		case pool.Equal(x509.NewCertPool()):
			return nil, errors.New("the image has no CA certificates: give those of the app's with " + c.cmd.Flag("-cacert"))
		}
		return pool, nil
	}
	pem, err := readFile(file)
	if err != nil {
		return nil, in("reading "+c.cmd.Flag("-cacert")+" "+probeargs.Quote(file), err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM([]byte(pem)) {
		return nil, errors.New(c.cmd.Flag("-cacert") + " " + probeargs.Quote(file) + " holds no certificate in PEM form")
	}
	return pool, nil
}

func (c check) keyPair(certFile, keyFile string) ([]tls.Certificate, error) {
	cert, err := readFile(certFile)
	if err != nil {
		return nil, in("reading "+c.cmd.Flag("-cert")+" "+probeargs.Quote(certFile), err)
	}
	key, err := readFile(keyFile)
	if err != nil {
		return nil, in("reading "+c.cmd.Flag("-key")+" "+probeargs.Quote(keyFile), err)
	}
	pair, err := tls.X509KeyPair([]byte(cert), []byte(key))
	if err != nil {
		return nil, in("reading "+c.cmd.Flag("-cert")+" and "+c.cmd.Flag("-key"), tlsCause(err))
	}
	return []tls.Certificate{pair}, nil
}

// A tlsConn is a conn through TLS.
type tlsConn struct {
	tls    *tls.Conn
	plain  conn
	config *tls.Config
	flag   func(name string) string // as the command line would have it
	asked  bool                     // the server asks for a certificate, and has not answered yet
}

func newTLSConn(plain conn, config *tls.Config, flag func(string) string) *tlsConn {
	c := &tlsConn{plain: plain, config: config, flag: flag}
	config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
		c.asked = true
		if len(config.Certificates) == 0 {
			return new(tls.Certificate), nil
		}
		return &config.Certificates[0], nil
	}
	c.tls = tls.Client(transport{plain}, config)
	return c
}

func (c *tlsConn) handshake() error {
	err := c.tls.Handshake()
	if err == nil {
		return nil
	}
	if explained := c.explainTLS(err); explained != nil {
		return explained
	}
	return in("TLS handshake", c.cause(err))
}

// cause returns an error of the connection in the probe's own words. A server that
// does not like the client's certificate may say so, or just close, at any time.
func (c *tlsConn) cause(err error) error {
	err = tlsCause(err)
	switch {
	case err == errTimeout || !c.asked:
		return err
	case len(c.config.Certificates) > 0:
		return in("the server asks for a client certificate, and may not like the one of "+c.flag("-cert"), err)
	}
	return in("the server asks for a client certificate: give it one with "+c.flag("-cert")+" and "+c.flag("-key"), err)
}

func (c *tlsConn) read(p []byte) (int, error) {
	n, err := c.tls.Read(p)
	if n > 0 || err == nil {
		c.asked = false // and is content with what it was given
		return n, nil
	}
	return 0, c.cause(err)
}

func (c *tlsConn) write(p []byte) error {
	if _, err := c.tls.Write(p); err != nil {
		return c.cause(err)
	}
	return nil
}

func (c *tlsConn) hurry() { c.plain.hurry() }
func (c *tlsConn) drain() { c.plain.drain() }

// close says good-bye, if the server takes it soon.
func (c *tlsConn) close() {
	c.plain.hurry()
	_ = c.tls.Close()
}

// A transport is a conn in the form that crypto/tls asks for. Deadlines are the
// conn's business.
type transport struct{ conn }

func (t transport) Read(p []byte) (int, error) {
	n, err := t.read(p)
	if err == errClosed {
		err = io.EOF
	}
	return n, err
}

func (t transport) Write(p []byte) (int, error) {
	if err := t.write(p); err != nil {
		return 0, err
	}
	return len(p), nil
}

func (t transport) Close() error {
	t.close()
	return nil
}

func (transport) LocalAddr() net.Addr              { return nil }
func (transport) RemoteAddr() net.Addr             { return nil }
func (transport) SetDeadline(time.Time) error      { return nil }
func (transport) SetReadDeadline(time.Time) error  { return nil }
func (transport) SetWriteDeadline(time.Time) error { return nil }
