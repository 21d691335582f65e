package term

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// A screen is a terminal of one line: what is on it, and what was on it before.
type screen struct {
	mu     sync.Mutex
	line   []rune
	cursor int
	lines  []string // every state of it
}

func (s *screen) Write(data []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range string(data) {
		switch {
		case r == '\r':
			s.cursor = 0
		case s.cursor < len(s.line):
			s.line[s.cursor] = r
			s.cursor++
		default:
			s.line = append(s.line, r)
			s.cursor++
		}
	}
	s.lines = append(s.lines, strings.TrimRight(string(s.line), " "))
	return len(data), nil
}

func newTestProgress(width int) (*Progress, *screen) {
	s := &screen{}
	return &Progress{out: s, width: func() int { return width }}, s
}

// check checks what is on the screen when everybody waits.
func (s *screen) check(t *testing.T, want string) {
	t.Helper()
	synctest.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	if got := strings.TrimRight(string(s.line), " "); got != want {
		t.Errorf("the screen shows %q, want %q", got, want)
	}
	if len(s.line) > 79 {
		t.Errorf("the line was %d columns long", len(s.line))
	}
}

func TestProgressTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, s := newTestProgress(80)
		app := p.Begin("building", "app")
		time.Sleep(timeAfter - time.Millisecond)
		s.check(t, "building app")
		time.Sleep(37*time.Second + drawEvery)
		s.check(t, "building app 42s")
		time.Sleep(time.Minute)
		s.check(t, "building app 1m42s")
		app.End()
		s.check(t, "")
		p.Close()
	})
}

func TestProgress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, s := newTestProgress(80)
		app := p.Begin("building", "app")
		time.Sleep(950 * time.Millisecond)
		s.check(t, "")
		time.Sleep(drawEvery)
		s.check(t, "building app")
		worker, again := p.Begin("building", "worker"), p.Begin("building", "app")
		probe := p.Begin("compiling", "the probe")
		time.Sleep(drawEvery)
		s.check(t, "building app, worker")
		again.End()
		app.End()
		app.End() // only the first time counts
		time.Sleep(time.Second)
		s.check(t, "building worker · compiling the probe")
		worker.End()
		time.Sleep(drawEvery)
		s.check(t, "compiling the probe")
		probe.End()
		s.check(t, "")
		if p.timer != nil {
			t.Error("the timer runs on")
		}
	})
}

// TestProgressPause checks that short steps of one task, as there are many when an image
// is pushed, count as one that is long.
func TestProgressPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, s := newTestProgress(80)
		for range 4 {
			push := p.Begin("pushing", "")
			push.transferred(1_000_000, 0)
			time.Sleep(430 * time.Millisecond) // between two ticks, as all times here
			push.transferred(0, 500_000)
			time.Sleep(150 * time.Millisecond)
			push.End()
			time.Sleep(50 * time.Millisecond)
		}
		want := []string{
			"pushing 0.5/2.0 MB", "pushing 1.0/2.0 MB", "", "pushing 1.0/3.0 MB", "pushing 1.5/3.0 MB", "",
			"pushing 1.5/4.0 MB", "pushing 2.0/4.0 MB", "",
		}
		if diff := cmp.Diff(want, s.lines); diff != "" {
			t.Errorf("lines (-want +got):\n%s", diff)
		}
		time.Sleep(2 * time.Second)
		push := p.Begin("pushing", "")
		time.Sleep(1150 * time.Millisecond)
		s.check(t, "pushing") // what was counted before is over
		push.End()
	})
}

func TestProgressNames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, s := newTestProgress(40)
		for _, name := range []string{"a", "b", "c", "d", "e"} {
			defer p.Begin("building", name).End()
		}
		time.Sleep(1150 * time.Millisecond)
		s.check(t, "building a, b, c, 2 more")
		defer p.Begin("waiting for", strings.Repeat("x", 50)).End()
		time.Sleep(1150 * time.Millisecond)
		s.check(t, "building a, b, c, 2 more · waiting f…")
	})
}

// TestProgressWriter checks that lines that are written while the progress is on the
// screen are not glued to it.
func TestProgressWriter(t *testing.T) {
	name := filepath.Join(t.TempDir(), "terminal")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	synctest.Test(t, func(t *testing.T) {
		p := &Progress{out: f, width: func() int { return 80 }}
		w := p.Writer(f)
		defer p.Begin("building", "app").End()
		time.Sleep(1150 * time.Millisecond)
		for _, text := range []string{"one\n", "tw", "o\n"} {
			if _, err := io.WriteString(w, text); err != nil {
				t.Error(err)
			}
			time.Sleep(3 * drawEvery)
		}
		p.Close()
		time.Sleep(time.Second)
	})
	got, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	line, none := "\rbuilding app\r", "\r            \r"
	want := line + none + "one\n" + line + none + "two\n" + line + none
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("written (-want +got):\n%s", diff)
	}
}

func TestFit(t *testing.T) {
	for _, test := range []struct {
		line string
		room int
		want string
	}{
		{"", 10, ""},
		{"0123456789", 10, "0123456789"},
		{"0123456789a", 10, "01234567…"},
		{"äöü", 6, "äöü"},
		{"äöü", 5, "ä…"},
		{"abc", 1, ""},
		{"abc", 0, ""},
		{"abc", -1, ""},
	} {
		if got := fit(test.line, test.room); got != test.want {
			t.Errorf("fit(%q, %d) = %q, want %q", test.line, test.room, got, test.want)
		}
	}
}

// TestTransfers checks what is shown of requests: whom they wait for, and how much goes
// up and down.
func TestTransfers(t *testing.T) {
	p, _ := newTestProgress(80)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/wait" {
			p.checkTasks(t, "waiting for "+r.Host)
		}
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("Content-Length", "2000000")
		_, _ = w.Write(append(body, make([]byte, 2_000_000-len(body))...))
	}))
	defer srv.Close()
	client := &http.Client{Transport: p.Transport(http.DefaultTransport, "pulling", "pushing")}
	resp, err := client.Get(srv.URL + "/wait")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.CopyN(io.Discard, resp.Body, 1_000_000); err != nil {
		t.Fatal(err)
	}
	p.checkTasks(t, "pulling 1.0/2.0 MB")
	resp.Body.Close()
	p.checkTasks(t, "")

	body := strings.NewReader(strings.Repeat("x", 300_000))
	if resp, err = client.Post(srv.URL, "text/plain", body); err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, resp.Body); err != nil { // to the end, but not closed
		t.Fatal(err)
	}
	p.checkTasks(t, "")
	push := p.Begin("pushing", "")
	p.checkTasks(t, "pushing 0.3/0.3 MB")
	push.End()
	if resp, err = client.Head(srv.URL); err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	p.checkTasks(t, "")
	if resp, err := client.Get("http://127.0.0.1:1/"); err == nil {
		resp.Body.Close()
		t.Error("port 1 answers")
	}
	p.checkTasks(t, "")
}

// checkTasks checks what is shown once the last task that has begun goes on for long
// enough.
func (p *Progress) checkTasks(t *testing.T, want string) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	var now time.Time
	for _, task := range p.tasks {
		if begun := task.since.Add(ShowAfter); begun.After(now) {
			now = begun
		}
	}
	if got := describe(p.tasks, now); got != want {
		t.Errorf("shown: %q, want %q", got, want)
	}
}

// TestNoProgress checks that nothing changes where there is no terminal.
func TestNoProgress(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "file"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	p := NewProgress(f)
	if p != nil {
		t.Fatal("a file has a progress")
	}
	if w := p.Writer(f); w != io.WriteCloser(f) {
		t.Errorf("writer is a %T", w)
	}
	if tr := p.Transport(http.DefaultTransport, "", ""); tr != http.DefaultTransport {
		t.Errorf("transport is a %T", tr)
	}
	p.Begin("building", "app").End()
	p.Close()
}
