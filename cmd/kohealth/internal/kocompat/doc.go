// Package kocompat works around what ko and go-containerregistry do in ways that kohealth's
// users would suffer from. It wraps ko's builders and publishers and copies nothing.
//
// Each workaround can go once ko does the same itself:
//
//   - [UseKoCache]: when ko's cache can be shared by processes that run at the same time,
//     and an entry gets its name only once it is whole.
//   - The digests beside entries of the cache (kodigests.go): when ko checks what it reads
//     from its cache.
//   - [DropKoCache]: when ko tells programs apart by what goes into a build, and not by their
//     build IDs.
//   - [KeepWithin]: when import paths that begin with .. get a directory within ko's cache.
//   - [EndKodata]: when ko stops walking kodata at the context's end and at links that lead
//     in circles, limits its size, and says which link leads outside.
//   - [MountBases]: when ko marks layers of cached bases as [remote.MountableLayer].
//   - [NewSBOMsLast]: when ko publishes SBOMs after the image, and a registry that refuses
//     one fails nothing else.
//   - [ShortenGo] and [NewBuildID]: when ko reads build IDs itself, in the place of running
//     go tool buildid.
//   - [ShortenList]: when ko finds a package once, and not again for every platform.
//   - [SetTarball]: when ko's publisher, or go-containerregistry's package tarball, renames a
//     tarball once it is whole.
//
// [remote.MountableLayer]: https://pkg.go.dev/github.com/google/go-containerregistry/pkg/v1/remote#MountableLayer
package kocompat
