// Package apk answers: which files do packages of Wolfi, or of another repository in
// Alpine's format, add to a base image?
//
// A [Client] fetches the signed index of every repository, resolves the packages that
// are asked for with their dependencies, fetches those that the base image lacks, and
// returns their files where the base's own links lead to, with the database of
// installed packages that scanners and apk itself read:
//
//	c := &apk.Client{Cache: dir}
//	got, err := c.Install(ctx, apk.Request{
//		Packages: []string{"busybox-static", "curl~8.21"},
//		Arch:     "x86_64",
//		Base:     base,
//	})
//	layer, err := layers.Layer(got.Files, types.OCILayer)
//
// # Trust
//
// A chain of signature and digests leads from a public key to every byte of a layer. Before
// something is vouched for, it is only unpacked, within limits, to find where it ends, and
// of an index the signatures are read:
//
//   - the key is a file of the user's, or Wolfi's, known by its fingerprint;
//   - the index has a signature of that key, RSA with SHA-256. One with SHA-1 counts only
//     if the key is said to be trusted with it. What stands before the signed part is never
//     taken for an index;
//   - the index holds the SHA-1 digest of a package's control part, and its size. The
//     format knows no other digest: https://wiki.alpinelinux.org/wiki/Apk_spec
//   - the control part holds the SHA-256 digest of the package's files.
//
// All sizes are limited before and while something is unpacked. Packages cannot write
// outside of the image's tree, over the base's files or over each other's, and their
// scripts are never run. Nothing is written to disk but the cache, and nothing gets into
// the cache that was refused; what comes from it is verified as if it were downloaded.
package apk
