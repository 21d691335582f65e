package main

import (
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// kubectl stands in for Kubernetes' own: it writes down what it was asked for, in
// $OUT, and exits with $KUBECTL_EXIT.
func kubectl() {
	out := os.Getenv("OUT")
	for name, content := range map[string]string{
		"args":  strings.Join(os.Args[1:], "\n"),
		"stdin": string(must(io.ReadAll(os.Stdin))),
	} {
		if err := os.WriteFile(filepath.Join(out, "kubectl."+name), []byte(content), 0o666); err != nil {
			panic(err)
		}
	}
	fmt.Println("this is kubectl's stdout")
	fmt.Fprintln(os.Stderr, "this is kubectl's stderr")
	code, _ := strconv.Atoi(os.Getenv("KUBECTL_EXIT"))
	os.Exit(code)
}

// An engine stands in for Docker's: it writes down which images it is given, and
// which tags. Its zero value has to be reset first.
type engine struct {
	answers map[string]string // what it has, in JSON, by the path below the API's version

	mu   sync.Mutex
	seen []string
}

func (e *engine) reset() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.seen = nil
}

// calls returns what the engine was asked to change, in any order: ko loads several
// images at once.
func (e *engine) calls() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Sorted(slices.Values(e.seen))
}

func (e *engine) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	w.Header().Set("Api-Version", "1.45")
	body, _ := io.ReadAll(req.Body)
	_, resource, _ := strings.Cut(strings.TrimPrefix(req.URL.Path, "/"), "/")
	answer, known := e.answers[resource]
	switch {
	case strings.HasSuffix(req.URL.Path, "/_ping"):
		return
	case known:
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, answer)
		return
	case req.Method != http.MethodPost:
		http.Error(w, `{"message":"No such image"}`, http.StatusNotFound)
		return
	case strings.HasSuffix(req.URL.Path, "/tag"):
		w.WriteHeader(http.StatusCreated)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.seen = append(e.seen, fmt.Sprintf("%s sha256:%x", req.URL, sha256.Sum256(body)))
}
