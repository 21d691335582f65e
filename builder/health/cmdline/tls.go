package cmdline

// TLS says how connections to targets with TLS are made.
type TLS struct {
	Insecure  bool   // certificates are not verified
	CACert    string // file of the authorities; "" means those of the image
	Cert, Key string // files of the client's own certificate; "" means that it has none
}
