// Command scanner prints the packages that syft finds in an image tarball: those of
// Alpine's database, with the layer that holds it. It is a module of its own: kohealth
// does not depend on syft.
package main

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/anchore/stereoscope/pkg/file"
	"github.com/anchore/stereoscope/pkg/image/docker"
	"github.com/anchore/syft/syft/linux"
	"github.com/anchore/syft/syft/pkg/cataloger/alpine"
	"github.com/anchore/syft/syft/source"
	"github.com/anchore/syft/syft/source/stereoscopesource"
)

func main() {
	log.SetFlags(0)
	if len(os.Args) != 2 {
		log.Fatal("usage: scanner IMAGE.tar")
	}
	if err := scan(context.Background(), os.Args[1]); err != nil {
		log.Fatal(err)
	}
}

func scan(ctx context.Context, tarball string) error {
	tmp := file.NewTempDirGenerator("scanner")
	defer tmp.Cleanup()
	img, err := docker.NewArchiveProvider(tmp, tarball).Provide(ctx)
	if err != nil {
		return err
	}
	if err := img.Read(ctx); err != nil {
		return err
	}
	files, err := stereoscopesource.New(img, stereoscopesource.ImageConfig{Reference: tarball}).FileResolver(source.SquashedScope)
	if err != nil {
		return err
	}
	if release := linux.IdentifyRelease(files); release != nil {
		fmt.Printf("distribution %s\n", release.ID)
	}
	packages, _, err := alpine.NewDBCataloger().Catalog(ctx, files)
	if err != nil {
		return err
	}
	for _, p := range packages {
		fmt.Printf("%s %s %s", p.Name, p.Version, p.PURL)
		for _, l := range p.Licenses.ToSlice() {
			fmt.Printf(" %s", l.SPDXExpression)
		}
		fmt.Println()
	}
	return nil
}
