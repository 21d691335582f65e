package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/ko/pkg/build"
	"github.com/google/ko/pkg/commands"
	"github.com/google/ko/pkg/commands/options"
	"github.com/google/ko/pkg/publish"
	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/ko-health/kohealth/builder/hint"
	"github.com/ko-health/kohealth/builder/limits"
	"github.com/ko-health/kohealth/cmd/kohealth/internal/pipeline"
	"github.com/ko-health/kohealth/cmd/kohealth/internal/term"
	"github.com/ko-health/kohealth/cmd/kohealth/internal/version"
)

// manifestFlags are the flags of the commands that read Kubernetes manifests.
type manifestFlags struct {
	*pipeline.BuildFlags
	files    *options.FilenameOptions
	selector *options.SelectorOptions
	lint     bool
	stdin    []byte // manifests that come on stdin
}

func setManifestFlags(cmd *cobra.Command) *manifestFlags {
	f := &manifestFlags{BuildFlags: pipeline.SetBuildFlags(cmd), files: &options.FilenameOptions{}, selector: &options.SelectorOptions{}}
	cmd.Flags().BoolVar(&f.lint, pipeline.LintFlag, false, "lint the manifests against what was built, and publish nothing if a probe cannot work")
	options.AddFileArg(cmd, f.files)
	options.AddSelectorArg(cmd, f.selector)
	return f
}

// run is [pipeline.BuildFlags.Run] for manifests that are there: ko's own walk ends the process
// if one is not.
func (f *manifestFlags) run(ctx context.Context, v version.Info, do func(context.Context, *pipeline.Pipeline) error) error {
	for _, root := range f.files.Filenames {
		if root == "-" {
			continue
		}
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.IsDir() && path != root && !f.files.Recursive {
				return filepath.SkipDir
			}
			return err
		})
		if err != nil {
			return fmt.Errorf("reading manifests: %w", err)
		}
	}
	return f.BuildFlags.Run(ctx, v, func(ctx context.Context, p *pipeline.Pipeline) error {
		rewind, err := f.keepStdin()
		if err != nil {
			return err
		}
		if err := f.build(ctx, p); err != nil {
			return err
		}
		if err := rewind(); err != nil {
			return err
		}
		return do(ctx, p)
	})
}

// build builds what the manifests name, and publishes nothing. The builder keeps the
// results: ko's walk builds and publishes each image by itself, and would have
// published some when another does not compile.
func (f *manifestFlags) build(ctx context.Context, p *pipeline.Pipeline) error {
	kept := &built{}
	if err := commands.ResolveFilesToWriter(ctx, p.Builder, unpublished{built: kept}, f.files, f.selector, nowhere{io.Discard}); err != nil || !f.lint {
		return err
	}
	return f.lintBuilt(ctx, kept)
}

// keepStdin reads manifests that come on stdin. They are on stdin again then, and once
// more when rewind is called.
func (f *manifestFlags) keepStdin() (rewind func() error, err error) {
	if !slices.Contains(f.files.Filenames, "-") {
		return func() error { return nil }, nil
	}
	if f.stdin, err = limits.Documents.ReadAll(os.Stdin); err != nil {
		return nil, fmt.Errorf("reading manifests: %w", err)
	}
	rewind = func() error { return setStdin(f.stdin) }
	return rewind, rewind()
}

// setStdin has what is read from os.Stdin be data.
func setStdin(data []byte) error {
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	os.Stdin = r
	go func() {
		_, _ = w.Write(data) // it fails if nobody reads on
		_ = w.Close()
	}()
	return nil
}

// unpublished is a publisher that publishes nothing, and keeps what it is given.
type unpublished struct {
	publish.Interface
	*built
}

// Publish implements [publish.Interface].
func (u unpublished) Publish(_ context.Context, result build.Result, importpath string) (name.Reference, error) {
	u.add(importpath, result)
	return name.Tag{}, nil
}

// nowhere is a writer that can be closed.
type nowhere struct{ io.Writer }

func (nowhere) Close() error { return nil }

// resolve writes the manifests with references to images in the places of import
// paths, and closes out.
func (f *manifestFlags) resolve(ctx context.Context, p *pipeline.Pipeline, out io.WriteCloser) error {
	return commands.ResolveFilesToWriter(ctx, p.Builder, p.Publisher, f.files, f.selector, out)
}

// setResolve makes ko's resolve command kohealth's.
func setResolve(cmd *cobra.Command, v version.Info) {
	flags := setManifestFlags(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return flags.run(cmd.Context(), v, func(ctx context.Context, p *pipeline.Pipeline) error {
			out := term.ProgressOf(ctx).Writer(os.Stdout)
			return flags.resolve(ctx, p, term.Results(os.Stdout, out))
		})
	}
}

// setKubectl makes one of ko's commands kohealth's that pass manifests on to the
// command of kubectl's of the same name.
func setKubectl(cmd *cobra.Command, v version.Info) {
	flags := setManifestFlags(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if _, err := exec.LookPath("kubectl"); err != nil {
			return hint.With(fmt.Errorf("kohealth %s needs kubectl: %w", cmd.Name(), err),
				"install kubectl, or use kohealth resolve and pass on what it prints")
		}
		return flags.run(cmd.Context(), v, func(ctx context.Context, p *pipeline.Pipeline) error {
			kubectl := kubectlCommand(ctx, p.Environ, append([]string{cmd.Name(), "-f", "-"}, args...)...)
			kubectl.Stdout, kubectl.Stderr = term.ProgressOf(ctx).Writer(os.Stdout), term.ProgressOf(ctx).Writer(os.Stderr)
			return pipe(ctx, kubectl, func(ctx context.Context, stdin io.WriteCloser) error {
				// kubectl starts to apply when it has read some thousand bytes, and skips
				// empty documents: https://github.com/google/go-containerregistry/pull/348
				_, _ = io.WriteString(stdin, strings.Repeat("---\n", 1000))
				return flags.resolve(ctx, p, stdin)
			})
		})
	}
}

// pipe runs a command and has write write, and close, what it reads. What the command
// does not read is lost, as with ko: the command itself says why.
func pipe(ctx context.Context, cmd *exec.Cmd, write func(context.Context, io.WriteCloser) error) error {
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return write(ctx, stdin) })
	g.Go(func() error { return runKubectl(cmd) })
	return g.Wait()
}

// setRun makes ko's run command kohealth's.
func setRun(cmd *cobra.Command, v version.Info) {
	flags := pipeline.SetBuildFlags(cmd)
	cmd.ValidArgsFunction = completeMains
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		// ko, too, wants the import path first: flags that it does not know are skipped,
		// and whether they have values nobody can tell.
		if len(os.Args) > 2 && strings.HasPrefix(os.Args[2], "-") {
			return fmt.Errorf("expected first arg to be positional, got %q", os.Args[2])
		}
		args, podArgs := splitAtDash(cmd, args)
		if len(args) == 0 {
			return errors.New("no import paths listed")
		}
		return flags.Run(cmd.Context(), v, func(ctx context.Context, p *pipeline.Pipeline) error {
			images, err := p.Publish(ctx, args)
			if err != nil {
				return err
			}
			for _, image := range images {
				log.Printf("Running %q", image.Importpath)
				if err := runKubectl(podCommand(ctx, p.Environ, image.Ref, podArgs)); err != nil {
					return err
				}
			}
			return nil
		})
	}
}

// splitAtDash splits arguments into those before "--" and those after it.
func splitAtDash(cmd *cobra.Command, args []string) (before, after []string) {
	if n := cmd.Flags().ArgsLenAtDash(); n >= 0 {
		return args[:n], args[n:]
	}
	return args, nil
}

// podCommand returns the command that runs an image once and shows what it prints.
func podCommand(ctx context.Context, environ []string, image name.Reference, args []string) *exec.Cmd {
	argv := []string{
		"run", path.Base(image.Context().String()), "--image", image.String(),
		"--attach", "--rm", "--restart=Never", "--log-flush-frequency=1s",
	}
	argv = append(argv, args...)
	log.Printf("$ kubectl %s", strings.Join(argv, " "))
	cmd := kubectlCommand(ctx, environ, argv...)
	cmd.Stdin = os.Stdin
	return cmd
}

// kubectlCommand returns a command with all that the user has given kohealth, but stdin.
func kubectlCommand(ctx context.Context, environ []string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "kubectl", args...)
	cmd.Env = environ
	cmd.Stdout = os.Stdout
	cmd.Stderr = os.Stderr
	return cmd
}

func runKubectl(cmd *exec.Cmd) error {
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("running kubectl %s: %w", cmd.Args[1], err)
	}
	return nil
}
